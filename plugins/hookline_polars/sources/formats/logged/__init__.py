"""Tables whose metadata says which of their files count, by version: Delta Lake and Iceberg."""
