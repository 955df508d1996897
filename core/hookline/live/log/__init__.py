"""The prediction log read back, and the truth that comes later joined with it."""
