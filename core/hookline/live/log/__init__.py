"""The prediction log written and read back, and the truth that comes later joined with it."""
