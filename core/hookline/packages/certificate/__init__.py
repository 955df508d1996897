"""The proof that a package answers as its pipeline does."""
