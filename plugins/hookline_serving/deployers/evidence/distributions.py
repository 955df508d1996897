"""Distributions of two arms side by side: their answers bin by bin, and how long their requests took."""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate

from hookline import ColumnProfile, Histogram

from .likelihood import log_excess, log_mean

MOST_LABELS = 20
"""Of more, the rarer ones of both arms together count as one."""


def answer_counts(new: ColumnProfile | None, live: ColumnProfile | None) -> list[tuple[int, int]] | None:
    """Return how often each answer was given, or one of each bin, by the new arm and the live one; None of unlike answers."""
    if new is None or live is None:
        return None
    if new.bins is not None and live.bins is not None:
        same = new.bins.edges == live.bins.edges
        pairs = list(zip(new.bins.counts, live.bins.counts, strict=True)) if same else None
    elif new.bins is None and live.bins is None:
        pairs = _label_counts(dict(new.top), dict(live.top))
    else:
        pairs = None
    return None if pairs is None else [*pairs, (new.missing, live.missing)]


def total_variation(counts: list[tuple[int, int]]) -> float:
    """Return the total variation distance of two distributions over the same bins: half the sum of absolute differences."""
    new, live = sum(one for one, _ in counts), sum(other for _, other in counts)
    if not new or not live:
        return 0.0
    return sum(abs(one / new - other / live) for one, other in counts) / 2


def log_slower(new: Histogram, live: Histogram, ratio: float, worths: tuple[float, float] = (1.0, 1.0)) -> float:
    """Return the log of the evidence that requests of the new arm take more than `ratio` times as long.

    For each bound of the live arm's times, those of the new arm beyond `ratio` times it are held against those of the live arm
    beyond it; the evidence is the mean over the bounds, which is as valid as each is.
    worths: how many independent requests one of each is worth
    """
    beyond_new, beyond_live = (_beyond(one, worth) for one, worth in zip((new, live), worths, strict=True))
    share = beyond_new[0] / (beyond_new[0] + beyond_live[0])
    pairs: list[tuple[float, float]] = []
    for place, bound in enumerate(live.bounds):
        # A float's last digit must not move a bound to the next one.
        further = bisect_left(new.bounds, bound * ratio * (1 - 1e-9))
        if further < len(new.bounds):
            pairs.append((beyond_new[further + 1], beyond_live[place + 1]))
    known = {pair: log_excess(pair[0], pair[1], share) for pair in set(pairs)}
    return log_mean([known[pair] for pair in pairs]) if pairs else 0.0


def p99(latency: Histogram) -> float | None:
    """Return the bound in seconds within which 99 of 100 requests stayed; None of none, or where it is beyond all bounds."""
    found = latency.quantile(0.99)
    return None if found is None or math.isinf(found) else found


def _beyond(histogram: Histogram, worth: float) -> list[float]:
    """Return how many requests there were, then how many took longer than each bound."""
    return [count * worth for count in accumulate(reversed(histogram.counts))][::-1]


def _label_counts(new: dict[str, int], live: dict[str, int]) -> list[tuple[int, int]]:
    both = sorted({*new, *live}, key=lambda label: (-new.get(label, 0) - live.get(label, 0), label))
    kept = [(new.get(label, 0), live.get(label, 0)) for label in both]
    rest = kept[MOST_LABELS:]
    return [*kept[:MOST_LABELS], *([(sum(n for n, _ in rest), sum(n for _, n in rest))] if rest else [])]
