"""Two runs compared on the rows that both were judged by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.target import true_values
from hookline.errors import DataError, UsageError
from hookline.kinds.artifacts import Dataset, Target
from hookline.kinds.fitted import Prediction
from hookline.kinds.scored import groups_in
from hookline.packages.pipeline import apply_transforms
from hookline.packages.state import StoredPackage
from hookline.quality.intervals import Units, of_mean, of_shares_difference
from hookline.registry.cells import cell
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace

from .parts import weights_in
from .result import Run

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True)
class Difference:
    """How much better or worse the second run is in one metric.

    low, high: 95 % interval of second - first, from what each row (each group of rows) adds to it, its skewness taken away
        (Hall 1992, "On the removal of skewness by transformation")
    """

    metric: str
    first: float
    second: float
    low: float
    high: float
    greater_is_better: bool

    @property
    def difference(self) -> float:
        """Second minus first."""
        return self.second - self.first

    @property
    def verdict(self) -> str:
        """Better, worse, or no difference that these rows can show."""
        if self.low <= 0 <= self.high:
            return "no difference shown"
        return "better" if (self.low > 0) == self.greater_is_better else "worse"


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side."""

    first: str
    second: str
    rows: int
    differences: tuple[Difference, ...]
    changed_decisions: int | None
    """Rows on which the two give another label; None for numbers."""

    @property
    def verdict(self) -> str:
        """One sentence for a person."""
        head = self.differences[0]
        words = {
            "better": f"{self.second} is better than {self.first}",
            "worse": f"{self.second} is worse than {self.first}",
            "no difference shown": f"{self.rows:,} rows show no difference between {self.first} and {self.second}",
        }
        return (
            f"{words[head.verdict]}: {head.metric.replace('_', ' ')} {head.first:.4g} -> {head.second:.4g}, "
            f"difference {head.difference:+.4g} [{head.low:+.4g}, {head.high:+.4g}]"
        )

    def frame(self) -> pl.DataFrame:
        """Return one row a metric: metric, first, second, difference, low, high, verdict."""
        import polars as pl

        names = ("metric", "first", "second", "difference", "low", "high", "verdict")
        return pl.DataFrame([{name: getattr(d, name) for name in names} for d in self.differences])

    def _repr_html_(self) -> str:
        names = ("metric", "first", "second", "difference", "low", "high", "verdict")
        differences = [{name: getattr(one, name) for name in names} for one in self.differences]
        told = {"first": self.first, "second": self.second, "rows": self.rows, "verdict": self.verdict}
        facts = {**told, "changed_decisions": self.changed_decisions, "differences": differences}
        return cell("comparison", facts, f"<p>{escape(self.verdict)}</p>{self.frame()._repr_html_()}")


def compare_runs(first: Run, second: Run, *, home: str | Path | None = None) -> Comparison:
    """Compare two runs on the held-out rows that both were judged by; raises UsageError or DataError where there are none."""
    rows = judged_by(first, second, home)
    stored = StoredPackage(first.package(), load_registry())
    truth = true_values(apply_transforms(stored.transforms, rows.lazy()), stored.target)
    answers = (first.predict(rows), second.predict(rows))
    judged = Dataset(rows.lazy(), stored.roles)
    weight, groups = weights_in(judged), groups_in(judged)
    return compare_predictions(first.id, second.id, stored.target, truth, answers, weight=weight, groups=groups)


def compare_predictions(
    first: str,
    second: str,
    target: Target,
    truth: np.ndarray,
    predictions: tuple[Prediction, Prediction],
    *,
    weight: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> Comparison:
    """Compare two predictions of the same rows.

    truth: labels or numbers, (n_rows,); weight: float64, (n_rows,), or None; groups: int64, (n_rows,), or None
    Raises DataError where there are fewer than 2 rows that weigh, or a run's answer to one of them is not finite.
    """
    import numpy as np

    weights = np.ones(len(truth)) if weight is None else weight
    if np.count_nonzero(weights) < 2:
        raise DataError("two runs cannot be compared on fewer than 2 rows")
    losses = [_losses(target, truth, prediction) for prediction in predictions]
    for run, found in zip((first, second), losses, strict=True):
        _require_finite(run, found)
    shared = [name for name in losses[0] if name in losses[1]]
    units = Units.among(weights, groups)
    differences = [_difference(name, losses[0][name], losses[1][name], units) for name in shared]
    changed = None if target.task == "regression" else int((predictions[0].values != predictions[1].values).sum())
    return Comparison(first, second, len(truth), tuple(differences), changed)


def _losses(target: Target, truth: np.ndarray, prediction: Prediction) -> dict[str, tuple[np.ndarray, bool, bool]]:
    """Return metric -> what each row adds, whether greater is better, and whether the root is taken of the mean."""
    import numpy as np

    if target.task == "regression":
        error = np.asarray(truth, dtype=np.float64) - prediction.values
        return {"rmse": (error**2, False, True), "mae": (np.abs(error), False, False)}
    found = {"accuracy": ((prediction.values == truth).astype(np.float64), True, False)}
    if prediction.probabilities is not None:
        codes = {label: code for code, label in enumerate(target.classes)}
        rows = np.arange(len(truth))
        of_truth = prediction.probabilities[rows, [codes[label] for label in truth.tolist()]]
        found["log_loss"] = (-np.log(np.clip(of_truth, 1e-15, 1)), False, False)
        onehot = np.zeros_like(prediction.probabilities)
        onehot[rows, [codes[label] for label in truth.tolist()]] = 1
        scale = 2 if len(target.classes) == 2 else 1
        found["brier"] = (((prediction.probabilities - onehot) ** 2).sum(axis=1) / scale, False, False)
    return found


def _require_finite(run: str, losses: Mapping[str, tuple[np.ndarray, bool, bool]]) -> None:
    import numpy as np

    for name, (loss, _, _) in losses.items():
        lost = int((~np.isfinite(loss)).sum())
        if lost:
            raise DataError(
                f"the {name.replace('_', ' ')} of run {run} is not a number in {lost:,} of {len(loss):,} rows",
                hint="compare it with a run that answers every row",
            )


def _difference(name: str, first: Any, second: Any, units: Units) -> Difference:
    """Return second - first. What is the root of a mean changes by half of the mean's change over the root."""
    import numpy as np

    (a, greater, root), (b, _, _) = first, second
    means = [float(np.average(loss, weights=units.weight)) for loss in (a, b)]
    values = [math.sqrt(mean) if root else mean for mean in means]
    slopes = [1 / (2 * value) if root and value > 0 else 1.0 for value in values]
    added = slopes[1] * (b - means[1]) - slopes[0] * (a - means[0])
    share = units.weight / units.weight.sum()
    if name == "accuracy":
        low, high = of_shares_difference(values[1] - values[0], units.sums((b - a) * share))
    else:
        low, high = of_mean(values[1] - values[0], units.sums(added * share))
    return Difference(name, values[0], values[1], low, high, greater)


def judged_by(first: Run, second: Run, home: str | Path | None = None) -> pl.DataFrame:
    """Return the raw held-out rows of two runs, with the truth; home: where to look beside the homes of the runs."""
    import polars as pl

    splits = [
        next(stage["fingerprint"] for stage in run.evidence["plan"] if stage["kind"] == "split")
        for run in (first, second)
    ]
    if splits[0] != splits[1]:
        raise UsageError(
            f"runs {first.id} and {second.id} were judged by different rows",
            hint="give both the same source, transforms before the split, split and seed",
        )
    stores = (open_workspace(place).store for place in _homes(first, second, home))
    folder = next((found for store in stores if (found := store.get(splits[0]))), None)
    if folder is None:
        raise DataError("the rows are no longer in the store", hint=f"run {first.id} again, then compare")
    return pl.scan_ipc(folder / "test.arrow", glob=False).collect()


def _homes(first: Run, second: Run, home: str | Path | None) -> list[str | Path | None]:
    """Return the homes that the runs' folders lie in, and the one that is asked; None is the default one."""
    lies_in = [place for run in (first, second) for place in run.path.absolute().parents]
    return list(dict.fromkeys([*(place for place in lies_in if (place / "store" / "store.json").is_file()), home]))
