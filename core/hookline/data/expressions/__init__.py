"""Expressions that people write in SQL's words: what they are made of, and that they look at one row alone."""
