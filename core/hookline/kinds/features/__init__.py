"""Feature sets, and what can tell of the columns that it adds."""
