"""Rows asked about by a person: what moved their answers, and what would give another."""
