"""Sources: files, and made-up tables."""
