"""Where files lie: packed, on another machine, or in folders whose names are values."""
