"""The `slices` evaluator: how good the answers are for every value of a column, and for which rows they are worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Interval

from hookline import Chart, Evaluator, Finding, Metric, Report, Scored, Table
from hookline.errors import ConfigError, Problem, suggestion
from hookline.plans.gates import SLICE
from hookline.quality.grouped import worth
from hookline.quality.intervals import Units, of_mean, of_share

from ...monitors.searching import Slice, columns_of, conditions_in, every_condition, losses_of, worst_slices
from ..bootstrap import Resampling
from ..charts import rounded
from ..standard import MEASURED, code_of
from .measuring import Measured

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_DRAWN, MOST_SHOWN, MOST_FINDINGS = 30, 20, 3
WORST = "worst_slice_loss"
OF_SLICES: Mapping[str, tuple[str, ...]] = {
    "binary": ("accuracy", "f1"),
    "multiclass": ("accuracy", "f1_macro"),
    "regression": ("mae",),
}
"""Task -> what is measured of each slice of named columns, where nothing else is asked for."""


@dataclass(frozen=True)
class Part:
    """Rows that have a value, or a number in a range, and how good the answers are for them: with a 95 % interval."""

    column: str
    told: str
    rows: int
    value: float
    low: float
    high: float


class SlicesEvaluator(Evaluator):
    """How good the answers are for each value of each column, and the rows, by one column or two, where they are worst.

    Of classes the accuracy, of numbers the mean absolute error, for every frequent value of a text and every fifth of a
    number, each with a 95 % interval, of whole groups with `roles.group`. The worst are searched for as the monitor of that name
    does: what is told is worse than the other rows by more than `min_gap`, and at most `false_discoveries` of it is expected to
    be chance, over all slices that were looked at (Benjamini and Hochberg, 1995). The search counts rows alike.

    Of each slice of the columns that are named in `columns`, `metrics` are measured as the `standard` evaluator measures them,
    as `slice.sex=female.f1`; a gate on `slice.sex.f1` is one on each of them.
    """

    name = "slices"
    extra = "sklearn"
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = dict.fromkeys(MEASURED, (WORST,))
    columns: tuple[str, ...] = ()
    """Columns to slice by; none: all that the model may see."""
    metrics: tuple[str, ...] = ()
    """What is measured of each slice of `columns`; none: accuracy and F1, of several classes the macro F1, of numbers MAE."""
    edges: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Column -> numbers to cut it at, so that its slices are the same in every run; else into fifths of the rows."""
    positive: str | int | float | bool | None = None
    """The positive class of a binary target; null takes the later one in sorted order."""
    n_bootstrap: Annotated[int, Ge(0)] = 200
    """Resamples behind the intervals of `metrics`, as in `standard`; 0 leaves intervals out."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the resampling."""
    min_slice: Annotated[int, Interval(ge=10)] = 30
    """Rows of a slice."""
    min_gap: Annotated[float, Ge(0)] = 0.0
    """By how much the loss must surely be over that of the others: of classes a share, of numbers a part of the mean error."""
    false_discoveries: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    """Share of what is told that may be chance."""

    def __post_init__(self) -> None:
        if asked := [name for name in ("metrics", "edges") if getattr(self, name) and not self.columns]:
            raise ValueError(f"{asked[0]} says nothing without columns: name the columns to slice by")
        if unknown := [name for name in self.edges if name not in self.columns]:
            told = suggestion(unknown[0], self.columns, "column")
            raise ValueError(f"edges cuts '{unknown[0]}', which is not among columns; {told}")

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return nothing beyond what hookline itself needs."""
        return ()

    def evaluate(self, scored: Scored) -> Report:
        """Judge the rows that count; raises ConfigError for a column that they have not."""
        import numpy as np

        rows = scored.weighing()
        loss, frame, groups = losses_of(rows), self._frame(rows), rows.groups()
        conditions = conditions_in(frame, self.min_slice)
        weight = rows.weight()
        weights = np.ones(len(loss)) if weight is None else weight
        is_share = rows.target.task != "regression"
        judged = _Judged(1 - loss if is_share else loss, weights, groups, is_share)
        parts = [judged.part(one.column, one.told, one.rows) for one in conditions]
        gap = self.min_gap if is_share else self.min_gap * float(loss.mean())
        alone = 1.0 if groups is None else worth((loss > loss.mean())[:, None], groups)
        share = self.false_discoveries
        measured = self._of_slices(rows, frame, weights) if self.columns else ()
        found, looked = worst_slices(loss, conditions, least=self.min_slice, gap=gap, share=share, worth=alone)
        report = _report(judged, parts, found, looked, float(np.average(loss, weights=weights)))
        return replace(report, metrics=(*report.metrics, *measured))

    def measured(self) -> Mapping[str, tuple[str, ...]] | None:
        """Return also the metrics of slices, where columns are named."""
        return {
            task: (WORST, *(f"{SLICE}{column}=*.{name}" for column in self.columns for name in self._wanted(task)))
            for task in MEASURED
        }

    def _wanted(self, task: str) -> tuple[str, ...]:
        """Return the metrics of slices that there are for a task."""
        return tuple(name for name in self.metrics if name in MEASURED[task]) if self.metrics else OF_SLICES[task]

    def _of_slices(self, rows: Scored, frame: pl.DataFrame, weights: np.ndarray) -> tuple[Metric, ...]:
        """Return the metrics of each slice of the named columns; raises ConfigError for one that there is not for the task."""
        target = rows.target
        if unknown := [name for name in self.metrics if name not in MEASURED[target.task]]:
            there = suggestion(unknown[0], MEASURED[target.task], "metric")
            told = f"nothing measures '{unknown[0]}' of a {target.task} target; {there}"
            raise ConfigError(f"bad config for evaluator '{self.name}'", [Problem("evaluator.slices.metrics", told)])
        code = 1 if target.task == "binary" else None
        code = code if self.positive is None else code_of(self.positive, target, self.name)
        measured = Measured(rows, weights, code, Resampling(self.n_bootstrap, self.seed, rows.groups()))
        parts = (one for one in every_condition(frame, self.edges) if one.rows.sum() >= self.min_slice)
        wanted = self._wanted(target.task)
        return tuple(
            replace(metric, name=f"{SLICE}{one.column}={one.value}.{metric.name}")
            for one in parts
            for metric in measured.of(one.rows)
            if metric.name in wanted
        )

    def _frame(self, rows: Scored) -> pl.DataFrame:
        """Return the columns to slice by."""
        frame = rows.rows().frame
        there = frame.collect_schema().names()
        unknown = [name for name in self.columns if name not in there]
        if unknown:
            told = f"the rows have no column '{unknown[0]}'"
            raise ConfigError(f"bad config for evaluator '{self.name}'", [Problem("evaluator.slices.columns", told)])
        return frame.select(self.columns or columns_of(rows)).collect()


@dataclass(frozen=True)
class _Judged:
    """What each row adds to the metric, float64 (n_rows,): 1 where it is right, or its error."""

    values: np.ndarray
    weight: np.ndarray
    groups: np.ndarray | None
    is_share: bool

    @property
    def what(self) -> str:
        """The metric, in words."""
        return "accuracy" if self.is_share else "mean absolute error"

    def part(self, column: str, told: str, rows: np.ndarray) -> Part:
        """Judge some rows, bool (n_rows,)."""
        weight = self.weight[rows]
        units = Units.among(weight, None if self.groups is None else self.groups[rows])
        value = float((self.values[rows] * weight).sum() / weight.sum())
        moved = units.sums((self.values[rows] - value) * weight / weight.sum())
        if self.is_share:
            low, high = of_share(value, float((moved**2).sum()), units.effective(), units.count)
        else:
            low, high = of_mean(value, moved)
        return Part(column, told, int(rows.sum()), value, low, high)


def _report(judged: _Judged, parts: Sequence[Part], found: Sequence[Slice], looked: int, loss: float) -> Report:
    worst = Metric(WORST, found[0].loss if found else loss, greater_is_better=False)
    told = [(one.told, one.count, one.loss, one.others, one.loss - one.others, one.low) for one in found[:MOST_SHOWN]]
    names = ("slice", "rows", "loss", "loss of others", "worse by", "at least")
    tables = [Table(f"worst of {looked:,} slices", names, tuple(told))] if told else []
    rows = tuple((one.column, one.told, one.rows, one.value, one.low, one.high) for one in parts)
    if rows:
        tables.append(Table("every slice", ("column", "slice", "rows", judged.what, "low", "high"), rows))
    charts = (_chart(judged, parts),) if parts else ()
    findings = tuple(_finding(one) for one in found[:MOST_FINDINGS])
    return Report("Slices", (worst,), tuple(tables), charts, findings)


def _finding(one: Slice) -> Finding:
    text = (
        f"The answers are worse where {one.told}: a loss of {one.loss:.3g} on {one.count:,} held-out rows, against "
        f"{one.others:.3g} on the others (worse by at least {one.low:.3g})."
    )
    return Finding(one.told, "loss", one.loss - one.others, 0.0, "warning", text)


def _chart(judged: _Judged, parts: Sequence[Part]) -> Chart:
    """Draw the worst parts with their intervals, and how good the answers are over all."""
    import numpy as np

    ranked = sorted(parts, key=lambda one: one.value if judged.is_share else -one.value)[:MOST_DRAWN]
    values = [
        {"slice": one.told, "value": rounded(one.value), "low": rounded(one.low), "high": rounded(one.high)}
        for one in ranked
    ]
    whole = float(np.average(judged.values, weights=judged.weight))
    y = {"field": "slice", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 260}}
    x = {"type": "quantitative", "title": judged.what, "scale": {"zero": False}}
    points = {"mark": {"type": "point", "filled": True}, "encoding": {"y": y, "x": {"field": "value", **x}}}
    reach = {"mark": "rule", "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}}}
    over = {
        "data": {"values": [{"whole": rounded(whole)}]},
        "mark": {"type": "rule", "strokeDash": [4, 4], "opacity": 0.6},
        "encoding": {"x": {"field": "whole", **x}},
    }
    title = f"{judged.what.capitalize()} of the worst slices, with that of all rows"
    return Chart("slices", title, {"data": {"values": values}, "layer": [reach, points, over], "height": {"step": 18}})
