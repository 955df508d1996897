"""What clients may have a server hold and wait for."""
