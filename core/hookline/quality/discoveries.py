"""Which of many differences are told, so that few of those told are chance."""

from __future__ import annotations

from collections.abc import Sequence


def discoveries(chances: Sequence[float], share: float) -> list[bool]:
    """Tell which differences count, so that at most `share` of those that do is expected to be chance.

    Benjamini and Hochberg (1995), which holds for independent and for positively dependent differences (Benjamini and Yekutieli,
    2001); the same as scipy.stats.false_discovery_control(chances) <= share.
    chances: how often as large a difference comes of nothing
    """
    ordered = sorted(chances)
    steps = [chance for place, chance in enumerate(ordered, 1) if chance <= share * place / len(ordered)]
    most = max(steps, default=-1.0)
    return [chance <= most for chance in chances]
