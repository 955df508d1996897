"""A table before any model: read, checked, divided, cleaned."""
