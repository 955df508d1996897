"""What a person's contract asks beyond single columns: of each row across its columns, and of a table as a whole."""
