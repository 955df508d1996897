"""Arms compared by how far their answers were from the truth, with a verdict that holds however often one looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from hookline import Seen
from hookline.quality.sequential.asymptotic import Estimate, Interval, difference

from .losses import Metric, mean_loss, unit_of


@dataclass(frozen=True)
class Rules:
    """By what arms are compared; as the fields of `ab_test` of the same names."""

    key: str | None
    metric: Metric
    alpha: float
    least: int
    max: int


def planned_units(units: int, requests: int, most: int) -> int:
    """Return how many units there will be at the most requests, where further ones bring as many as those so far did.

    An interval is to be tightest when a test ends, and of keys that come again, or labels of few rows, there are fewer than
    requests by far.
    """
    return max(units, round(units * most / max(requests, 1)))


@dataclass(frozen=True)
class Comparison:
    """The mean loss of each arm, and the intervals of their differences; arms with too few labels have neither."""

    versions: Mapping[str, int]
    losses: Mapping[str, Estimate]
    intervals: Mapping[tuple[str, str], Interval]
    """Of the first arm's loss less the second one's."""
    what: str
    """What the loss is called."""
    alpha: float

    @classmethod
    def of(cls, arms: Mapping[str, tuple[int, Seen]], rules: Rules) -> Comparison:
        """Compare all arms with each other, each pair at its part of alpha (Bonferroni)."""
        found = {arm: mean_loss(seen.scored, rules.key, rules.metric) for arm, (_, seen) in arms.items()}
        losses = {arm: one for arm, one in found.items() if one is not None and one.units >= rules.least}
        risk = rules.alpha / (len(arms) * (len(arms) - 1) / 2)
        intervals = {}
        for a, b in combinations(losses, 2):
            asked = arms[a][1].requests + arms[b][1].requests
            planned = planned_units(losses[a].units + losses[b].units, asked, 2 * rules.max)
            intervals[a, b] = difference(losses[a], losses[b], risk, planned)
        scored = next((seen.scored for _, seen in arms.values() if seen.scored is not None), None)
        versions = {arm: version for arm, (version, _) in arms.items()}
        return cls(versions, losses, intervals, "loss" if scored is None else unit_of(scored), rules.alpha)

    @property
    def winner(self) -> str | None:
        """The arm that is better than every other one; None where there is none, or not every arm is judged."""
        if len(self.losses) < len(self.versions):
            return None
        return next((arm for arm in self.versions if all(self.beats(arm, other) for other in self.versions)), None)

    def beats(self, arm: str, other: str) -> bool:
        """Tell whether an arm's loss is lower than another's for sure; an arm's own is taken for it."""
        if arm == other:
            return True
        found = self.intervals.get((arm, other))
        return found.high < 0 if found is not None else self.intervals[other, arm].low > 0

    def version(self, arm: str) -> int:
        """Return the version that plays an arm."""
        return self.versions[arm]

    def verdict(self) -> str:
        """Say what was found, with the figures."""
        told = ", ".join(f"{loss.mean:.3g} of {self._named(arm)}" for arm, loss in self.losses.items())
        rows = " and ".join(f"{loss.rows:,}" for loss in self.losses.values())
        if self.winner is not None:
            best = f"{self._named(self.winner)} is better than {self._others(self.winner)}"
            return f"{best}: the {self.what} is {told}, on {rows} rows with their truth ({self._between()})"
        if len(self.losses) < len(self.versions):
            few = ", ".join(self._named(arm) for arm in self.versions if arm not in self.losses)
            return f"the test ends without a verdict: too few labels came for {few}"
        return (
            f"the test ends, and no arm is better than every other one: the {self.what} is {told}, on {rows} rows with their "
            f"truth ({self._between()})"
        )

    def figures(self) -> dict[str, Any]:
        """Return what the verdict goes by, as plain values."""
        losses = {arm: {"loss": one.mean, "rows": one.rows, "units": one.units} for arm, one in self.losses.items()}
        between = {f"{a}-{b}": [one.difference, one.low, one.high] for (a, b), one in self.intervals.items()}
        return {"winner": self.winner, "metric": self.what, "losses": losses, "differences": between}

    def _named(self, arm: str) -> str:
        return f"{arm} (v{self.versions[arm]})"

    def _others(self, arm: str) -> str:
        return " and ".join(self._named(other) for other in self.versions if other != arm)

    def _between(self) -> str:
        told = [f"{a} less {b} is from {one.low:.3g} to {one.high:.3g}" for (a, b), one in self.intervals.items()]
        return f"{', '.join(told)} at {1 - self.alpha:.0%}, however often one looks"
