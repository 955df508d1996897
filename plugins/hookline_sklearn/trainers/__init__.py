"""Trainers of scikit-learn's estimators."""
