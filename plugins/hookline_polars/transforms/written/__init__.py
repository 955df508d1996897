"""Transforms of what is written in texts: moments, quantities, several things in one."""
