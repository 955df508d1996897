"""What rows may hold: the rules, and the file that a person edits."""
