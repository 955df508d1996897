"""What a package must be before anything of it is used: its files, names, types and seal, and that it answers."""
