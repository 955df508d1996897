"""Transforms that choose and order rows, before the split."""
