"""One training shared out among workers of a Ray cluster."""
