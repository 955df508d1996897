"""A run that has ended, asked again: what it did to a row, and which rows it saw."""
