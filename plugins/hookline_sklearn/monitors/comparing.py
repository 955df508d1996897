"""Whether metrics have become worse, each with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from hookline import Metric, Metrics
from hookline.quality.discoveries import discoveries

REACH = 1.959964


@dataclass(frozen=True)
class Change:
    """How much worse a metric is than it was.

    worse: in its own unit, above 0 where it is worse; error: its standard error; least: what is worth telling
    """

    before: Metric
    now: Metric
    worse: float
    error: float
    least: float
    certain: bool = False

    @property
    def told(self) -> bool:
        """Whether it certainly is worse, and by enough."""
        return self.certain and self.worse >= self.least

    @property
    def chance(self) -> float:
        """How often it looks so much worse where it is not."""
        return NormalDist().cdf(-self.worse / self.error) if self.error > 0 else float(self.worse <= 0)

    @property
    def low(self) -> float:
        """What it is worse by at least, with 95 % confidence."""
        return self.worse - 1.645 * self.error


def compared(before: Metrics, now: Iterable[Metric], drop: float, growth: float) -> list[Change]:
    """Return the metrics that both sides have with an interval.

    The error of a difference is made of the two intervals' near sides (Zou and Donner, 2008, "Construction of confidence limits
    about effect measures").
    drop: of a share or an area, what is worth telling; growth: of a loss, the part of what it was
    """
    found = []
    for metric in now:
        was = before.get(metric.name)
        if was is None or None in (was.low, was.high, metric.low, metric.high):
            continue
        first, second = (was, metric) if metric.greater_is_better else (metric, was)
        assert first.low is not None
        assert second.high is not None
        error = ((first.value - first.low) ** 2 + (second.high - second.value) ** 2) ** 0.5 / REACH
        least = drop if metric.greater_is_better else growth * abs(was.value)
        found.append(Change(was, metric, first.value - second.value, error, least))
    return found


def certain_of(changes: Sequence[Change], share: float) -> list[Change]:
    """Mark what certainly is worse, so that at most `share` of what is told is chance."""
    found = discoveries([one.chance for one in changes], share)
    return [
        Change(one.before, one.now, one.worse, one.error, one.least, sure)
        for one, sure in zip(changes, found, strict=True)
    ]
