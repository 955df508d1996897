"""Answers explained from a package alone: by whom, against which ordinary rows, and what would give another answer."""
