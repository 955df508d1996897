"""What a table that nobody prepared holds, and what is odd about it."""
