"""The trainers: a ready network for tables, and those of a project."""
