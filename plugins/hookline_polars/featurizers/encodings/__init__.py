"""How one raw column becomes columns of the design matrix: a class a way, plain data."""
