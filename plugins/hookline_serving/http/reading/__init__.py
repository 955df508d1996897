"""Bodies made of rows: cut, read as types, and what can be wrong with them."""
