"""Transforms that a person says in expressions."""
