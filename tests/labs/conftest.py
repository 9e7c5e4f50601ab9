# SPDX-License-Identifier: MIT
"""The folder of this file is in the path of its tests."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
