"""Featurizers that stand after another."""
