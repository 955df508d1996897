"""Sweeps: many runs from one command line, checked before the first, each in a worker process, none of them lost."""
