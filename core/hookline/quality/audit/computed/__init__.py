"""Columns that were computed from the target, or from rows of the future."""
