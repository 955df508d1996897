"""Transforms that define columns: each adds some that are computed from others, and changes none."""
