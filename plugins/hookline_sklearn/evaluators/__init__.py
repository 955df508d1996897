"""Evaluators, and the metrics, intervals and charts they report."""
