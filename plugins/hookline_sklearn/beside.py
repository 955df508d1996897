"""Imports scikit-learn, in the process beside a run, without pandas, which takes a quarter of the time and no part in a fit."""

from __future__ import annotations

from hookline.registry.backends.lean import import_scipy, import_without

import_scipy()
import_without("pandas", "sklearn.base")
