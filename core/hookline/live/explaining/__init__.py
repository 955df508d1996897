"""Answers explained from a package alone: by whom, and against which ordinary rows."""
