"""What a reason goes by, as plain values for the promotion log, and as clauses for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hookline import Histogram, Seen

from .evidence.distributions import p99
from .guards import Word

NOTHING = Seen(0, 0, Histogram((), (0,)))
"""What was seen of a version that nobody has asked yet."""


def figures_of(arms: Mapping[str, tuple[int, Seen]], words: Iterable[Word] = ()) -> dict[str, Any]:
    """Return what was seen of each arm, and what each guard goes by, as plain values.

    arms: arm -> its version, and what was seen of it
    """
    told = {arm: _of(version, seen) for arm, (version, seen) in arms.items()}
    return {"arms": told, "guards": {word.guard: {**word.figures, "against": word.against} for word in words}}


def in_short(words: Iterable[Word]) -> str:
    """Return the clauses of the guards; of those that speak against a version alone, where any does."""
    every = list(words)
    against = [word for word in every if word.against]
    return "; ".join(word.told for word in against or every)


def _of(version: int, seen: Seen) -> dict[str, Any]:
    return {"version": version, "requests": seen.requests, "errors": seen.errors, "p99": p99(seen.latency)}
