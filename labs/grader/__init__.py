# SPDX-License-Identifier: MIT
"""The grader of the labs: labs/lab and labs/grade-class."""
