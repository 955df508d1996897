"""Means told with bounds that hold at every time at once, however often one looks."""
