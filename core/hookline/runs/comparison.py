"""Two runs compared on the rows that both were judged by."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.target import true_values
from hookline.errors import DataError, UsageError
from hookline.kinds.artifacts import Prediction, Target
from hookline.packages.pipeline import apply_transforms
from hookline.packages.state import StoredPackage
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace

from .result import Run

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


RESAMPLES = 2000


@dataclass(frozen=True)
class Difference:
    """How much better or worse the second run is in one metric.

    low, high: 95 % interval of second - first, by a paired bootstrap over rows (Efron and Tibshirani 1993, chapter 13)
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
        return f"<p>{escape(self.verdict)}</p>{self.frame()._repr_html_()}"


def compare_runs(first: Run, second: Run, *, home: str | Path | None = None) -> Comparison:
    """Compare two runs on the held-out rows that both were judged by; raises UsageError or DataError where there are none."""
    rows = judged_by(first, second, home)
    stored = StoredPackage(first.package(), load_registry())
    truth = true_values(apply_transforms(stored.transforms, rows.lazy()), stored.target)
    answers = (first.predict(rows), second.predict(rows))
    return compare_predictions(first.id, second.id, stored.target, truth, answers)


def compare_predictions(
    first: str,
    second: str,
    target: Target,
    truth: np.ndarray,
    predictions: tuple[Prediction, Prediction],
    *,
    seed: int = 0,
) -> Comparison:
    """Compare two predictions of the same rows; truth: labels or numbers, (n_rows,).

    Raises DataError where there are fewer than 2 rows.
    """
    import numpy as np

    if len(truth) < 2:
        raise DataError("two runs cannot be compared on fewer than 2 rows")
    losses = [_losses(target, truth, prediction) for prediction in predictions]
    rng = np.random.default_rng(seed)
    # One draw of rows for both runs and all metrics: that is what makes the comparison paired.
    weights = rng.multinomial(len(truth), np.full(len(truth), 1 / len(truth)), size=RESAMPLES) / len(truth)
    shared = [name for name in losses[0] if name in losses[1]]
    differences = [_difference(name, losses[0][name], losses[1][name], weights) for name in shared]
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


def _difference(name: str, first: Any, second: Any, weights: np.ndarray) -> Difference:
    import numpy as np

    (a, greater, root), (b, _, _) = first, second
    finish = np.sqrt if root else np.asarray
    drawn = finish(weights @ b) - finish(weights @ a)
    low, high = (float(bound) for bound in np.quantile(drawn, [0.025, 0.975]))
    return Difference(name, float(finish(a.mean())), float(finish(b.mean())), low, high, greater)


def judged_by(first: Run, second: Run, home: str | Path | None = None) -> pl.DataFrame:
    """Return the raw held-out rows of two runs, with the truth."""
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
    folder = open_workspace(home).store.get(splits[0])
    if folder is None:
        raise DataError("the rows are no longer in the store", hint=f"run {first.id} again, then compare")
    return pl.read_ipc(folder / "test.arrow")
