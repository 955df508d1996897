"""Two runs compared on the rows that both were judged by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.target import true_values
from hookline.errors import DataError, UsageError, suggestion
from hookline.kinds.artifacts import Dataset, Target
from hookline.kinds.fitted import Prediction
from hookline.kinds.scored import groups_in
from hookline.packages.pipeline import apply_transforms
from hookline.packages.state import StoredPackage
from hookline.plans.gates import FOLDS
from hookline.quality.intervals import Units
from hookline.registry.cells import cell
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace

from .comparing.difference import Difference
from .comparing.folds import of_folds
from .comparing.labels import McNemar
from .comparing.rows import losses_of, of_figures, of_means, require_finite
from .comparing.slices import SliceDifference, sliced
from .parts import weights_in
from .result import Run

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


FEWEST = 2
"""Rows below which nothing is compared."""
NAMES = ("metric", "first", "second", "difference", "low", "high", "verdict")


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side."""

    first: str
    second: str
    rows: int
    differences: tuple[Difference, ...]
    changed_decisions: int | None
    """Rows on which the two give another label; None for numbers."""
    mcnemar: McNemar | None = None
    """Of classifiers on independent rows that weigh alike."""
    folds: tuple[Difference, ...] = ()
    """Of the means over folds, where both runs have the same folds."""
    slices: tuple[SliceDifference, ...] = ()
    gates: tuple[Mapping[str, Any], ...] = ()
    """What gates said of either run: run, metric, said, value, bound, passed, told."""

    @property
    def verdict(self) -> str:
        """One sentence for a person."""
        head = self.differences[0]
        words = {
            "better": f"{self.second} is better than {self.first}",
            "worse": f"{self.second} is worse than {self.first}",
            "no difference shown": f"{self.rows:,} rows show no difference between {self.first} and {self.second}",
        }
        return f"{words[head.shown]}: {_figures(head)}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What else there is to say, a sentence each: margins, folds, the labels that changed, slices, gates."""
        return tuple(self._notes())

    def frame(self) -> pl.DataFrame:
        """Return one row a metric: metric, first, second, difference, low, high, verdict."""
        import polars as pl

        return pl.DataFrame([_row(one) for one in (*self.differences, *self.folds)])

    def slices_frame(self) -> pl.DataFrame:
        """Return one row a slice: slice, rows, and what `frame` has of a metric."""
        import polars as pl

        return pl.DataFrame(
            [
                {"slice": one.slice, "rows": one.rows, **_row(one.difference), "verdict": one.verdict}
                for one in self.slices
            ]
        )

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data."""
        rows = {name: [_row(one) for one in getattr(self, name)] for name in ("differences", "folds")}
        sliced = [
            {"slice": one.slice, "rows": one.rows, **_row(one.difference), "verdict": one.verdict}
            for one in self.slices
        ]
        told = {"first": self.first, "second": self.second, "rows": self.rows, "verdict": self.verdict}
        told |= {"notes": list(self.notes), "changed_decisions": self.changed_decisions}
        test = None if self.mcnemar is None else asdict(self.mcnemar)
        return {**told, **rows, "mcnemar": test, "slices": sliced, "gates": list(self.gates)}

    def _notes(self) -> Iterator[str]:
        for one in self.differences:
            if one.margin is not None:
                yield f"{self.second} is {one.verdict} in {one.metric.replace('_', ' ')}: {_figures(one)}"
        if self.folds:
            yield f"over the same folds {self.folds[0].shown}: {_figures(self.folds[0])}"
        if self.mcnemar is not None:
            yield self.mcnemar.told
        for part in self.slices:
            if part.verdict in ("better", "worse"):
                yield f"on {part.slice} ({part.rows:,} rows) {self.second} is {part.verdict}: {_figures(part.difference)}"
        for gate in self.gates:
            said = "passed" if gate["passed"] else "said no"
            yield f"gate {gate['metric']} {gate['said']} {said} to {gate['run']}: {gate['told']}"

    def _repr_html_(self) -> str:
        return cell("comparison", self.plain(), f"<p>{escape(self.verdict)}</p>{self.frame()._repr_html_()}")


def _row(one: Difference) -> dict[str, Any]:
    return {name: getattr(one, name) for name in NAMES}


def _figures(one: Difference) -> str:
    return (
        f"{one.metric.replace('_', ' ')} {one.first:.4g} -> {one.second:.4g}, "
        f"difference {one.difference:+.4g} [{one.low:+.4g}, {one.high:+.4g}]"
    )


def compare_runs(
    first: Run,
    second: Run,
    *,
    home: str | Path | None = None,
    margins: Mapping[str, float] | None = None,
    by: Sequence[str] = (),
) -> Comparison:
    """Compare two runs on the held-out rows that both were judged by; raises UsageError or DataError where there are none.

    margins: metric -> by how much the second may be worse; by: columns whose slices are compared, too
    """
    margins = margins or {}
    rows = judged_by(first, second, home)
    stored = StoredPackage(first.package(), load_registry())
    truth = true_values(apply_transforms(stored.transforms, rows.lazy()), stored.target)
    answers = (first.predict(rows), second.predict(rows))
    judged = Dataset(rows.lazy(), stored.roles)
    weight, groups = weights_in(judged), groups_in(judged)
    names, target = (first.id, second.id), stored.target
    found = compare_predictions(*names, target, truth, answers, weight=weight, groups=groups, margins=margins)
    compared = partial(_on, target, truth, answers, weight, groups, margins)
    gates = [{"run": run.id, **gate} for run in (first, second) for gate in run.evidence.get("gates", ())]
    folds = of_folds(first.evidence, second.evidence, margins)
    return replace(found, folds=tuple(folds), slices=sliced(rows, by, compared), gates=tuple(gates))


def _on(
    target: Target,
    truth: np.ndarray,
    answers: tuple[Prediction, Prediction],
    weight: np.ndarray | None,
    groups: np.ndarray | None,
    margins: Mapping[str, float],
    kept: np.ndarray,
) -> Difference | None:
    """Return the difference on some of the rows, in the metric that heads a comparison. kept: bool, (n_rows,)."""
    some = [
        replace(
            one, values=one.values[kept], probabilities=None if one.probabilities is None else one.probabilities[kept]
        )
        for one in answers
    ]
    part = None if groups is None else groups[kept]
    weights = _equal(int(kept.sum())) if weight is None else weight[kept]
    units = Units.among(weights, part)
    if units.effective() < FEWEST:
        return None
    losses = [losses_of(target, truth[kept], one) for one in some]
    name = next(iter(losses[0]))
    return replace(of_means(name, losses[0][name], losses[1][name], units), margin=margins.get(name))


def compare_predictions(
    first: str,
    second: str,
    target: Target,
    truth: np.ndarray,
    predictions: tuple[Prediction, Prediction],
    *,
    weight: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    margins: Mapping[str, float] | None = None,
) -> Comparison:
    """Compare two predictions of the same rows.

    truth: labels or numbers, (n_rows,); weight: float64, (n_rows,), or None; groups: int64, (n_rows,), or None
    margins: metric -> by how much the second may be worse
    Raises DataError where there are fewer than 2 rows that weigh, or a run's answer to one of them is not finite;
    UsageError for a margin of a metric that is not compared.
    """
    import numpy as np

    weights = _equal(len(truth)) if weight is None else weight
    if np.count_nonzero(weights) < FEWEST:
        raise DataError("two runs cannot be compared on fewer than 2 rows")
    losses = [losses_of(target, truth, prediction) for prediction in predictions]
    for run, found in zip((first, second), losses, strict=True):
        require_finite(run, found)
    shared = [name for name in losses[0] if name in losses[1]]
    units = Units.among(weights, groups)
    differences = [of_means(name, losses[0][name], losses[1][name], units) for name in shared]
    differences += of_figures(target, truth, predictions, units)
    differences = _with_margins(differences, margins or {})
    changed, test = None, None
    if target.task != "regression":
        labels = predictions[0].values, predictions[1].values
        changed = int((labels[0] != labels[1]).sum())
        test = McNemar.of(truth, *labels) if weight is None and groups is None else None
    return Comparison(first, second, len(truth), tuple(differences), changed, test)


def _with_margins(differences: Sequence[Difference], margins: Mapping[str, float]) -> list[Difference]:
    known = [one.metric for one in differences]
    for name in margins:
        if name not in known and not name.startswith(FOLDS):
            raise UsageError(f"no margin can be kept in '{name}'", hint=suggestion(name, known, "metric"))
    return [replace(one, margin=margins.get(one.metric)) for one in differences]


def _equal(rows: int) -> np.ndarray:
    """Return as many equal weights."""
    import numpy as np

    return np.ones(rows)


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
