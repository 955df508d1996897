"""Functions of a project as transforms: read by their signatures, called, and proven to look at one row alone."""
