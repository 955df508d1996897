"""A graph said otherwise than it was made: in an older set of operators, or with coarser numbers."""
