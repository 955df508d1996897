"""A finished run's pipeline fitted once more, to all of its rows, with the rule that the run chose."""
