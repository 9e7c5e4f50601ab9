# SPDX-License-Identifier: MIT
"""The charts, each in a file of its own: build(view) gives Charts."""
