"""Fitted estimators of scikit-learn as parts of the graph."""
