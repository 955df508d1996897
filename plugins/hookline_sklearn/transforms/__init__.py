"""Transforms that need scikit-learn, or what comes with it."""
