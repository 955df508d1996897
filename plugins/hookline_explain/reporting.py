"""What explanations of many rows say together: a table with intervals, bars, a beeswarm, and single rows taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline import Chart, Report, Table, Target
from hookline.quality.intervals import Units, of_mean

from .budget import Explained
from .drawing import bars, beeswarm, waterfall

if TYPE_CHECKING:
    import numpy as np

MOST_COLUMNS = 20
"""Of a chart."""
MOST_LETTERS = 40
"""Of a value that is shown."""


@dataclass(frozen=True)
class Wanted:
    """How a report's tables and charts are called, and how many rows it takes apart."""

    name: str
    shown: int


@dataclass(frozen=True)
class Influence:
    """How far a column moves answers on average, either way, with the 95 % interval of that mean."""

    column: str
    mean: float
    low: float
    high: float


def report_of(told: Explained, weight: np.ndarray, groups: np.ndarray | None, target: Target, wanted: Wanted) -> Report:
    """Say what explanations of rows come to. weight: float64, (n_rows,); groups: int64, (n_rows,), None: rows are independent."""
    found = influences(told, weight, groups)
    unit = told.way.unit
    title = f"What moves the answers for '{target.name}', on {told.rows.height:,} rows, by {told.way.name}"
    total = sum(one.mean for one in found)
    table = Table(
        wanted.name,
        ("column", f"mean |{unit}|", "low", "high", "share"),
        tuple((one.column, one.mean, one.low, one.high, one.mean / total if total else 0.0) for one in found),
    )
    leading = [one.column for one in found[:MOST_COLUMNS]]
    charts = (
        bars(wanted.name, found[:MOST_COLUMNS], unit),
        beeswarm(f"{wanted.name}_beeswarm", told, toward(told, target), leading, _toward_what(target, unit)),
        *_single(told, wanted, target),
    )
    importances = {one.column: one.mean for one in found}
    return Report(title, (), (table, _sums(wanted.name, told)), charts, told.findings, importances=importances)


def _sums(name: str, told: Explained) -> Table:
    """Return how the answers were explained, and how far the parts may be believed."""
    columns = ["rows", "method", "unit", "base", "largest gap of a sum"]
    facts = [told.rows.height, told.way.method, told.way.unit, float(told.parts.base.mean()), told.parts.gap]
    if told.parts.fit is not None:
        columns += ["mean fit (R2)", "worst fit (R2)"]
        facts += [float(told.parts.fit.mean()), float(told.parts.fit.min())]
    return Table(f"{name}_sums", tuple(columns), (tuple(facts),))


def influences(told: Explained, weight: np.ndarray, groups: np.ndarray | None) -> list[Influence]:
    """Return each column's mean absolute value, largest first, with Hall's interval over rows or groups of them."""
    import numpy as np

    units, total = Units.among(weight, groups), weight.sum()
    sizes = np.abs(told.parts.values)
    found = []
    for place, column in enumerate(told.rows.columns):
        mean = float((sizes[:, place] * weight).sum() / total)
        low, high = of_mean(mean, units.sums((sizes[:, place] - mean) * weight / total))
        found.append(Influence(column, mean, max(0.0, low), high))
    return sorted(found, key=lambda one: -one.mean)


def toward(told: Explained, target: Target) -> np.ndarray:
    """Return the values as they are drawn, (n_rows, n_columns): of two classes toward the later one, whichever was answered."""
    import numpy as np

    values = told.parts.values
    return values * np.where(told.parts.codes == 1, 1.0, -1.0)[:, None] if target.task == "binary" else values


def _toward_what(target: Target, unit: str) -> str:
    if target.task == "binary":
        return f"{unit} of {target.classes[1]}"
    return f"{unit} of the answer" if target.classes else unit


def _single(told: Explained, wanted: Wanted, target: Target) -> Iterator[Chart]:
    """Yield charts of rows at even steps from the lowest answer to the highest."""
    import numpy as np

    order = np.argsort(told.parts.answers, kind="stable")
    steps = np.linspace(0, len(order) - 1, min(wanted.shown, len(order))).round().astype(int)
    for number, row in enumerate(order[np.unique(steps)].tolist(), start=1):
        answer = f"{told.parts.answers[row]:.3g}"
        if target.classes:
            answer = f"{target.classes[told.parts.codes[row]]}, {answer}"
        values = {name: value_text(told.rows[name][row]) for name in told.rows.columns}
        parts, base = told.parts.values[row].tolist(), float(told.parts.base[row])
        yield waterfall(
            f"{wanted.name}_row_{number}",
            f"One row taken apart: {answer}",
            base,
            dict(zip(values.items(), parts, strict=True)),
            told.way.unit,
        )


def value_text(value: object) -> str:
    """Return a raw value as a person reads it, short."""
    if value is None:
        return "missing"
    text = f"{value:.4g}" if isinstance(value, float) else f"{value}"
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
