"""How files of each format are read."""
