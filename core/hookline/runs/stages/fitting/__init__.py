"""What a fit is asked beside its model: whether chance has a part in it, and whether it is worth going on with."""
