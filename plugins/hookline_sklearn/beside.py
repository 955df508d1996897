"""Imports scikit-learn, in the process beside a run, without what takes half of the time and no part in a fit."""

from __future__ import annotations

from hookline.registry.backends.lean import import_without, put_off, without_compiler

# Of scipy's statistics a few functions are named; a model that asks them imports them then.
with without_compiler(), put_off("scipy.stats"):
    import_without("pandas", "sklearn.ensemble")
