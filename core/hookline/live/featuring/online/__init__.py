"""Stored values of feature sets by key, for rows that come with a key alone."""
