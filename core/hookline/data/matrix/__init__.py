"""A design matrix as networks learn from it: which of its rows, and which columns are codes of categories."""
