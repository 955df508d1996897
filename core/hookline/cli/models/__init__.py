"""Verbs of models, and of what answers or watches."""
