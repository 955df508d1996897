"""A table of any size answered as a model's policy says: gone on with after a kill, on record, on many machines."""
