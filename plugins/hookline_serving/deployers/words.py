"""Figures as people read them."""

from __future__ import annotations

import math


def percent(share: float) -> str:
    """Return a share of 1 in percent, with as many digits as tell something: `2.3 %`, `0.04 %`, `25 %`."""
    value = share * 100
    if value >= 10 or value == round(value):
        return f"{value:.0f} %"
    return f"{value:.1f} %" if value >= 0.1 else f"{value:.2g} %"


def seconds(value: float | None) -> str:
    """Return a time: `12 ms`, `1.5 s`; None is beyond every bound."""
    if value is None:
        return "over a minute"
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def failed(errors: int, requests: int) -> str:
    """Return how many requests failed: `14 of 612 requests (2.3 %)`."""
    return f"{errors:,} of {requests:,} requests" + (f" ({percent(errors / requests)})" if requests and errors else "")


def by_chance(log_evidence: float) -> str:
    """Return how seldom arms that are alike ever show as much."""
    return f"chance shows as much in one of {_whole(log_evidence)} rollouts at most"


def _whole(log_number: float) -> str:
    exponent = log_number / math.log(10)
    return f"{math.exp(log_number):,.0f}" if exponent < 9 else f"10^{exponent:.0f}"
