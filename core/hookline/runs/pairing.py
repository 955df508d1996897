"""Two runs taken up again and compared row by row, as `hookline compare` and a sweep's leaderboard do."""

from __future__ import annotations

from pathlib import Path

from hookline.data.target import true_values
from hookline.kinds.artifacts import Dataset
from hookline.kinds.scored import groups_in
from hookline.packages.pipeline import apply_transforms
from hookline.packages.state import StoredPackage
from hookline.registry.registry import load_registry

from .comparison import Comparison, compare_predictions, judged_by
from .parts import weights_in
from .result import Run


def compare_runs(first: Run, second: Run, *, home: str | Path | None = None) -> Comparison:
    """Compare two runs on the held-out rows that both were judged by; raises UsageError or DataError where there are none."""
    rows = judged_by(first, second, home)
    stored = StoredPackage(first.package(), load_registry())
    truth = true_values(apply_transforms(stored.transforms, rows.lazy()), stored.target)
    answers = (first.predict(rows), second.predict(rows))
    judged = Dataset(rows.lazy(), stored.roles)
    weight, groups = weights_in(judged), groups_in(judged)
    return compare_predictions(first.id, second.id, stored.target, truth, answers, weight=weight, groups=groups)
