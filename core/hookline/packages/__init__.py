"""The fitted pipeline, and a folder that answers alike."""
