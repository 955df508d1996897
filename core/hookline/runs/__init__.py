"""A plan carried out, and what is left of it."""
