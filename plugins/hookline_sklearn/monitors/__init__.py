"""Monitors that need a fitted model or a test of several columns together."""
