"""The trainers: ready networks for tables, and those of a project."""
