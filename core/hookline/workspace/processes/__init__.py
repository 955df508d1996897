"""Processes at work on a home: who they are and whether they live, what a fork must not do, and signals that wait."""
