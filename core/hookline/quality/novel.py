"""Values of texts that training never saw, or hardly, and more of them than fresh rows of the same kind hold anyway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist

from hookline.kinds.reports import ColumnProfile

from .effects import ALONE, Effect, Worth, surged

STATISTIC = "new share"
NOTED = 0.01
"""Share of rows from which on new values are a note, where they are more than chance makes."""
SURE = 0.99
"""Confidence of a note."""
SHOWN = 5
"""Values that a sentence names."""


@dataclass(frozen=True)
class Novel:
    """What a column holds that training did not."""

    effect: Effect
    """The share of rows with new values less the expected one, and its lower 95 % bound."""
    values: Mapping[str, int]
    """New values with their rows, the most frequent first."""
    share: float
    """Of the rows that have a value."""
    expected: float
    """The share of such rows among fresh ones of the same kind."""
    noted: bool
    """Whether they are more than chance makes, and in at least NOTED of the rows."""
    never: bool
    """Whether training held none of them at all, so far as is known."""

    def __str__(self) -> str:
        """Name the values."""
        rows = sum(self.values.values())
        named = [f"{_short(value)!r} ({self.share * count / rows:.1%})" for value, count in self.values.items()]
        more = f" and {len(named) - SHOWN:,} more" if len(named) > SHOWN else ""
        seen = "never" if self.never else "hardly"
        return f"{self.share:.1%} of rows hold values that training {seen} saw: {', '.join(named[:SHOWN])}{more}"


def find_novel(
    before: ColumnProfile, known: Mapping[str, int] | None, now: Mapping[str, int], worth: Worth = ALONE
) -> Novel | None:
    """Return what is new; None where nothing is, or surely no more than is expected.

    known: every value of training with its rows; None where only the `top` of `before` is known
    now: every value of current rows
    """
    rows = before.count - before.missing, sum(now.values())
    if not all(rows):
        return None
    held = dict(before.top) if known is None else known
    unseen = {value: count for value, count in now.items() if value not in held}
    if known is not None:
        found = _novel(before.name, unseen, rows, *_of_fresh(known, worth[0]), worth)
        if found:
            return found
    # Most values of such a column are new in any rows, but one of them in many rows is news.
    least = before.top[-1][1] if known is None else 1
    values = surged((least, rows[0]), unseen, rows[1], worth)
    expected = min(1.0, least * len(values) / rows[0])
    doubt = expected * (1 - expected) / (rows[0] * worth[0])
    found = _novel(before.name, values, rows, expected, doubt, worth)
    return replace(found, never=False) if found and known is None else found


def _of_fresh(known: Mapping[str, int], worth: float) -> tuple[float, float]:
    """Return the share of fresh rows whose value training is expected not to hold, and the variance of that share.

    Of independent rows: that of the values that training holds once, one value added for those that it just missed, and
    (N1 + 2 N2) / n^2 from the values held once and twice (Good, 1953). Rows that come in groups count as fewer.
    """
    held = [round(count * worth) for count in known.values()]
    rows = sum(known.values())
    once = sum(count for count, independent in zip(known.values(), held, strict=True) if independent <= 1)
    seen = 1 + sum(independent <= 1 for independent in held) + 2 * held.count(2)
    return min(1.0, (once + 1 / worth) / (rows + 1 / worth)), seen / (rows * worth) ** 2


def _novel(
    name: str, values: Mapping[str, int], rows: tuple[int, int], expected: float, doubt: float, worth: Worth
) -> Novel | None:
    """Return what is new where it surely is more than expected; `doubt` is the variance of that share."""
    share = sum(values.values()) / rows[1]
    spread = (doubt + share * (1 - share) / (rows[1] * worth[1])) ** 0.5
    low, surely = (share - expected - NormalDist().inv_cdf(confidence) * spread for confidence in (0.95, SURE))
    if low <= 0:
        return None
    ordered = dict(sorted(values.items(), key=lambda pair: (-pair[1], pair[0])))
    effect = Effect(
        name, STATISTIC, share - expected, low, NormalDist().cdf((expected - share) / spread) if spread else 0.0
    )
    return Novel(effect, ordered, share, expected, surely > 0 and share >= NOTED, never=True)


def _short(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:39]}\N{HORIZONTAL ELLIPSIS}"
