"""Finds plugins; describes, checks and builds their components."""
