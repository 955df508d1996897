"""Monitors of raw rows."""
