"""Verbs of models in production: what answers, what it answered, whether that was right, and what follows."""
