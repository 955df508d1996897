"""Folds: the training rows of a run divided anew, each part judged once by a model that has not seen it."""
