"""Watching: a model's log read window by window, one alarm of what goes wrong, and people told of it."""
