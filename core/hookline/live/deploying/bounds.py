"""How much of the prediction log is looked at where nobody says."""

SINCE = "7d"
LIMIT = 10_000
"""Records, the newest."""
