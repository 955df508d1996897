"""Pages beside a run's report: a leaderboard, a table's profile, monitors, a model's card, a bench."""
