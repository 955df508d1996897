"""A second process beside a run: it imports what the run will need, fits small models and writes packages."""
