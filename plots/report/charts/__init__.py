# SPDX-License-Identifier: MIT
"""The charts, a file for each: build(view) returns Charts."""
