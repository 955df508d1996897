"""Featurizers of tables."""
