"""The database below the catalog: made, checked, read from and written to; nothing of any subject."""
