"""What evaluators and monitors say, and the figures of columns that they go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from hookline.errors import DataError

from .artifacts import ColumnKind, Dataset, Target

if TYPE_CHECKING:
    import numpy as np

Severity: TypeAlias = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""From what is only told to what must not go on."""
CHOSEN = "chosen"
"""Statistic of a finding by which a component tells what it chose to do its work; the subject is the name of that."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class Metric:
    """One number with, where it was estimated, its 95 % interval."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    greater_is_better: bool = True


HEADLINES = ("accuracy", "r2", "roc_auc", "rmse")
"""Metrics that may head a report, the first found wins."""


@dataclass(frozen=True)
class Metrics(Mapping[str, Metric]):
    """The metrics of a run by name, in the order in which they were measured; each is measured once."""

    found: tuple[Metric, ...] = ()

    @classmethod
    def of(cls, reports: Mapping[str, Report]) -> Metrics:
        """Gather the metrics of reports by who made them; raises DataError where two measure one of the same name."""
        by: dict[str, str] = {}
        for who, report in reports.items():
            for metric in report.metrics:
                if metric.name in by:
                    raise DataError(
                        f"{by[metric.name]} and {who} both measure '{metric.name}', and one would hide the other",
                        hint="leave one of them out",
                    )
                by[metric.name] = who
        return cls(tuple(metric for report in reports.values() for metric in report.metrics))

    def __getitem__(self, name: str) -> Metric:
        for metric in self.found:
            if metric.name == name:
                return metric
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (metric.name for metric in self.found)

    def __len__(self) -> int:
        return len(self.found)

    def numbers(self) -> dict[str, float]:
        """Return metric name -> value."""
        return {metric.name: float(metric.value) for metric in self.found}

    def headline(self) -> Metric | None:
        """Return the metric that heads a report; None where nothing was measured."""
        return next((self[name] for name in (*HEADLINES, *self) if name in self), None)


@dataclass(frozen=True)
class Table:
    """Rows to show: plain strings, numbers, booleans and None."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite v5 spec with its data inline; no width, height or colors unless they carry meaning."""

    name: str
    title: str
    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """Something that a monitor or an audit noticed, with the number that says so."""

    subject: str
    """The column, feature, metric or model that it is about."""
    statistic: str
    value: float
    threshold: float
    severity: Severity
    message: str
    """One sentence for a person."""
    rows: tuple[int, ...] = ()
    """Ids (positions in the source) of some of the rows that it is about, at most 10."""


def worst_first(
    findings: Iterable[Found], severity: Callable[[Found], Severity] = attrgetter("severity")
) -> list[Found]:
    """Return findings by severity, and of one severity as they came; `severity` reads it from those that are plain data."""
    return sorted(findings, key=lambda finding: -SEVERITIES.index(severity(finding)))


def at_least(severity: Severity, bound: Severity) -> bool:
    """Tell whether a finding is as severe as `bound`, or worse."""
    return SEVERITIES.index(severity) >= SEVERITIES.index(bound)


@dataclass(frozen=True)
class Report:
    """What an evaluator or a monitor found: plain data, ready for JSON."""

    title: str
    metrics: tuple[Metric, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    findings: tuple[Finding, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    """File name -> content, kept beside the report and inside the package (a whylogs profile, say)."""
    importances: Mapping[str, float] = field(default_factory=dict)
    """Raw column -> how much the answers go by it, on any scale, where the report says so: of two such reports it is told how
    far they agree."""

    def __getitem__(self, metric: str) -> float:
        """Return the value of a metric by name; KeyError if there is none."""
        values = {m.name: m.value for m in self.metrics}
        return values[metric]

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{escape(m.name)}</td><td>{m.value:.4g}</td><td>{_interval(m)}</td></tr>" for m in self.metrics
        )
        found = "".join(f"<li>{escape(f.severity)}: {escape(f.message)}</li>" for f in self.findings)
        return f"<h4>{escape(self.title)}</h4><table>{rows}</table><ul>{found}</ul>"


def _interval(metric: Metric) -> str:
    return "" if metric.low is None or metric.high is None else f"[{metric.low:.4g}, {metric.high:.4g}]"


@dataclass(frozen=True)
class Bins:
    """How often values fell between edges: counts[i] of edges[i] < value <= edges[i + 1]; the first also takes its lower edge."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class ColumnProfile:
    """The distribution of one column, small enough to travel with a model."""

    name: str
    dtype: str
    kind: ColumnKind
    count: int
    """Rows, missing ones included."""
    missing: int
    distinct: int
    mean: float | None = None
    std: float | None = None
    """Sample standard deviation (n - 1)."""
    minimum: float | None = None
    maximum: float | None = None
    bins: Bins | None = None
    """Of numbers and datetimes (seconds since 1970): equal-frequency bins of the values present that are finite."""
    top: tuple[tuple[str, int], ...] = ()
    """Of strings and booleans: the most frequent values with their counts, at most 1,000."""
    lengths: ColumnProfile | None = None
    """Of strings that rarely repeat: how many letters they have, a column of numbers."""
    independent: float = 1.0
    """How many independent rows a row is worth: less than one where the group role's rows are alike."""


@dataclass(frozen=True)
class Profile:
    """The distributions of a table's feature columns and target."""

    rows: int
    columns: tuple[ColumnProfile, ...]

    def __getitem__(self, name: str) -> ColumnProfile:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class Reference:
    """What current data are compared with: the training data, or what a package remembers of them.

    profile: of the training rows
    dataset: the training rows themselves; None once only the package is at hand
    files: what the same monitor's report left in the package (file name -> path)
    time: the column that says when a row happened, which moves on by itself; None where there is none
    target: what the model predicts; None where nobody says
    metrics: what was measured on held-out rows, with intervals; None where nothing was
    answers: the distribution of the model's answers on held-out rows; None where it was not kept
    importances: raw column -> its share of what the model goes by, all of them 1; empty where that is not known
    """

    profile: Profile
    dataset: Dataset | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    time: str | None = None
    target: Target | None = None
    metrics: Metrics | None = None
    answers: ColumnProfile | None = None
    importances: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """Why one feature was kept or dropped, with the number that decided."""

    feature: str
    method: str
    """What looked at it last, such as `variance`; empty where nothing did."""
    score: float | None
    threshold: float | None
    kept: bool
    message: str
    """One sentence for a person."""


@dataclass(frozen=True)
class Explanation:
    """How much each raw column moved each answer away from what the model says on average.

    columns: raw column names; values: float64, (n_rows, n_columns), in the unit of `unit`
    base: float64, (n_rows,): the answer that the values start from
    """

    columns: tuple[str, ...]
    values: np.ndarray
    base: np.ndarray
    method: str
    """In words, with its source."""
    unit: str = "probability"
    """`probability` of the answered class, or the target's own unit."""
