"""Answers on record held against what another version says of the same rows: how many change, where, and how well."""
