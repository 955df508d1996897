"""Trains a module with Lightning, and leaves no trace of it."""
