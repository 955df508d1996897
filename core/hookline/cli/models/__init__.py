"""Verbs of models: versions, features, answers to a table and what explains them."""
