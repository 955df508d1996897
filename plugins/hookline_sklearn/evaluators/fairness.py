"""The `fairness` evaluator: how the groups of one column fare, and how far apart they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Interval

from hookline import Chart, Evaluator, Metric, Report, Scored, Table
from hookline.data.target import encode
from hookline.errors import ConfigError, Problem
from hookline.quality.intervals import Units

from ..monitors.searching import Condition, conditions_in
from .charts import rounded
from .standard import code_of

if TYPE_CHECKING:
    import numpy as np

CONFIDENCE = 0.95
RATES = ("selection rate", "true positive rate", "false positive rate")
GAPS: Mapping[str, str] = dict(
    zip(
        RATES,
        ("demographic_parity_difference", "equal_opportunity_difference", "false_positive_rate_difference"),
        strict=True,
    )
)
EITHER = "equalized_odds_difference"
MEASURED = (GAPS[RATES[1]], GAPS[RATES[2]], EITHER)


@dataclass(frozen=True)
class Rate:
    """A share of some rows of one group. size: how many equally heavy rows, or groups of rows, it is taken from"""

    group: str
    value: float
    size: float

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return Wilson's interval (1927)."""
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        center, spread = self.value + z * z / (2 * self.size), self.value * (1 - self.value)
        reach = z * (spread / self.size + z * z / (4 * self.size**2)) ** 0.5
        low, high = ((center + side * reach) / (1 + z * z / self.size) for side in (-1, 1))
        # Rounding alone must not put the value itself outside.
        return max(0.0, min(low, self.value)), min(1.0, max(high, self.value))


@dataclass(frozen=True)
class Gap:
    """The largest difference of a rate between two groups."""

    value: float
    low: float
    high: float
    between: tuple[str, str]


class FairnessEvaluator(Evaluator):
    """How often each group of a column is answered with the positive class, rightly and wrongly, and the largest gaps.

    Selection rate, true and false positive rate of each value (of a number each fifth), with Wilson's intervals. The gaps are
    those of fairlearn: `demographic_parity_difference` of the selection rate, `equal_opportunity_difference` of the true positive
    rate, `false_positive_rate_difference`, and `equalized_odds_difference`, the larger of the last two. The first is told in a
    table and is no metric, since whoever is always right has that gap too, where the groups have. The interval of a gap is
    Newcombe's of two shares (1998, "Interval estimation for the difference between independent proportions", method 10); since
    the two groups furthest apart were picked among all pairs, it is as wide as makes all pairs right together (Bonferroni).
    """

    name = "fairness"
    extra = "sklearn"
    tasks = frozenset({"binary"})
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {"binary": MEASURED}
    column: str
    """The column that names the groups."""
    positive: str | int | float | bool | None = None
    """The class that is good to be answered with; null takes the later one in sorted order."""
    min_group: Annotated[int, Interval(ge=1)] = 20
    """Rows of a group that is compared."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return nothing beyond what hookline itself needs."""
        return ()

    def evaluate(self, scored: Scored) -> Report:
        """Judge the rows that count; raises ConfigError for a column that they have not, or a class that is none."""
        import numpy as np

        rows = scored.weighing()
        code = 1 if self.positive is None else code_of(self.positive, rows.target, self.name)
        truth, guess = (
            np.asarray(encode(values, rows.target) == code) for values in (rows.truth(), rows.prediction().values)
        )
        weight, groups = rows.weight(), rows.groups()
        weights = np.ones(len(truth)) if weight is None else weight
        conditions = self._conditions(rows)
        among = {RATES[0]: np.ones_like(truth), RATES[1]: truth, RATES[2]: ~truth}
        found = {name: [*_rates(conditions, guess, counted, weights, groups)] for name, counted in among.items()}
        return _report(self.column, conditions, found)

    def _conditions(self, rows: Scored) -> list[Condition]:
        frame = rows.rows().frame
        if self.column not in frame.collect_schema().names():
            told = f"the rows have no column '{self.column}'"
            raise ConfigError(f"bad config for evaluator '{self.name}'", [Problem("evaluator.fairness.column", told)])
        return conditions_in(frame.select(self.column).collect(), self.min_group)


def _rates(
    conditions: Sequence[Condition],
    guess: np.ndarray,
    counted: np.ndarray,
    weight: np.ndarray,
    groups: np.ndarray | None,
) -> Iterator[Rate]:
    """Yield the share of positive answers among the rows of each group that count; none for a group without such rows."""
    for one in conditions:
        rows = one.rows & counted
        total = float(weight[rows].sum())
        if total > 0:
            units = Units.among(weight[rows], None if groups is None else groups[rows])
            yield Rate(one.told, float(weight[rows & guess].sum()) / total, units.effective())


def gap_of(rates: Sequence[Rate]) -> Gap | None:
    """Return how far the highest and the lowest rate are apart; None where there are no two."""
    if len(rates) < 2:
        return None
    high, low = max(rates, key=lambda one: one.value), min(rates, key=lambda one: one.value)
    pairs = len([*combinations(rates, 2)])
    confidence = 1 - (1 - CONFIDENCE) / pairs
    (low_of_high, high_of_high), (low_of_low, high_of_low) = high.interval(confidence), low.interval(confidence)
    value = high.value - low.value
    below = ((high.value - low_of_high) ** 2 + (high_of_low - low.value) ** 2) ** 0.5
    above = ((high_of_high - high.value) ** 2 + (low.value - low_of_low) ** 2) ** 0.5
    return Gap(value, max(0.0, value - below), min(1.0, value + above), (high.group, low.group))


def _report(column: str, conditions: Sequence[Condition], found: Mapping[str, Sequence[Rate]]) -> Report:
    gaps = {GAPS[name]: gap for name, rates in found.items() if (gap := gap_of(rates)) is not None}
    odds = [gaps[name] for name in (GAPS[RATES[1]], GAPS[RATES[2]]) if name in gaps]
    if len(odds) == 2:
        gaps[EITHER] = max(odds, key=lambda one: one.value)
    measured = {name: gaps[name] for name in MEASURED if name in gaps}
    metrics = tuple(
        Metric(name, gap.value, gap.low, gap.high, greater_is_better=False) for name, gap in measured.items()
    )
    of_group = {name: {rate.group: rate for rate in rates} for name, rates in found.items()}
    rows = [
        (one.told, int(one.rows.sum()), *(value for name in RATES for value in _told(of_group[name].get(one.told))))
        for one in conditions
    ]
    head = ("group", "rows", *(text for name in RATES for text in (name, f"{name}, 95 %")))
    apart = tuple((name, gap.value, gap.low, gap.high, *gap.between) for name, gap in gaps.items())
    tables = (
        Table("groups", head, tuple(rows)),
        Table("gaps", ("gap", "value", "low", "high", "highest", "lowest"), apart),
    )
    return Report(f"Fairness by '{column}'", metrics, tables, (_chart(found),) if rows else ())


def _told(rate: Rate | None) -> tuple[float | None, str]:
    if rate is None:
        return None, ""
    low, high = rate.interval()
    return rate.value, f"{low:.3g} to {high:.3g}"


def _chart(found: Mapping[str, Sequence[Rate]]) -> Chart:
    values = []
    for name, rates in found.items():
        for rate in rates:
            low, high = rate.interval()
            values.append(
                {
                    "group": rate.group,
                    "rate": name,
                    "value": rounded(rate.value),
                    "low": rounded(low),
                    "high": rounded(high),
                }
            )
    y = {"field": "group", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 260}}
    offset = {"yOffset": {"field": "rate"}, "color": {"field": "rate", "type": "nominal", "title": None}}
    x = {"type": "quantitative", "title": "share of the group's rows", "scale": {"domain": [0, 1]}}
    points = {"mark": {"type": "point", "filled": True}, "encoding": {"y": y, "x": {"field": "value", **x}, **offset}}
    reach = {"mark": "rule", "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}, **offset}}
    return Chart("groups_drawn", "Rates of each group", {"data": {"values": values}, "layer": [reach, points]})
