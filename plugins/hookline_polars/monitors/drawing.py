"""How a column's distribution is drawn and said, then and now."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from itertools import pairwise
from math import inf, nextafter

from hookline import Chart, ColumnProfile
from hookline.kinds.reports import Bins

BARS = 10
MOST_NEW = 5
"""Values that training did not hold, of those drawn."""
LONGEST = 40
"""Letters of a value that are shown."""


def chart(before: ColumnProfile, now: ColumnProfile, samples: tuple[str, str]) -> Chart:
    """Draw how a column was distributed before, and how it is now; `samples` names the two."""
    both = _of_numbers(before, now) if before.bins and now.bins else _of_values(before, now)
    values = [{"sample": samples[0], "value": label, "share": round(then, 5)} for label, then, _ in both]
    values += [{"sample": samples[1], "value": label, "share": round(current, 5)} for label, _, current in both]
    encoding = {
        "x": {"field": "value", "type": "nominal", "sort": None, "title": before.name, "axis": {"labelAngle": -40}},
        "xOffset": {"field": "sample"},
        "y": {"field": "share", "type": "quantitative", "axis": {"format": "%"}},
        "color": {"field": "sample", "type": "nominal"},
    }
    return Chart(
        f"drift_{before.name}",
        f"'{before.name}' in {samples[0]} and now",
        {"data": {"values": values}, "mark": "bar", "encoding": encoding},
    )


def _of_numbers(before: ColumnProfile, now: ColumnProfile) -> list[tuple[str, float, float]]:
    """Return values where they are few, else ranges, each with its share then and now, and what lies beyond them."""
    assert before.bins is not None
    assert now.bins is not None
    edges = before.bins.edges
    few = before.distinct == len(before.bins.counts) <= BARS
    step = -(-len(before.bins.counts) // BARS)
    cuts = [*edges[:-1:step], edges[-1]]
    spans = [(nextafter(edge, -inf), edge) for edge in edges[1:]] if few else [*pairwise(cuts)]
    found = []
    for place, (low, high) in enumerate(spans):
        # The first bin also holds its lower edge.
        start = low if few or place else nextafter(low, -inf)
        label = _said(before, high) if few else f"{_said(before, low)} to {_said(before, high)}"
        found.append((label, _between(before.bins, low, high), _between(now.bins, start, high)))
    beyond = [("others", 1 - sum(share for _, _, share in found))]
    if not few:
        first = nextafter(edges[0], -inf)
        beyond = [
            (f"below {_said(before, edges[0])}", _between(now.bins, -inf, first)),
            (f"above {_said(before, edges[-1])}", _between(now.bins, edges[-1], inf)),
        ]
    return [*found, *((label, 0.0, share) for label, share in beyond if share > 1e-9)]


def _between(bins: Bins, low: float, high: float) -> float:
    """Return the share of values above `low` and no larger than `high`, either an edge or beyond all of them."""
    below = [sum(bins.counts[: max(0, bisect_right(bins.edges, edge) - 1)]) for edge in (low, high)]
    return (below[1] - below[0]) / max(1, sum(bins.counts))


def _of_values(before: ColumnProfile, now: ColumnProfile) -> list[tuple[str, float, float]]:
    """Return training's most frequent values with their shares then and now, and the most frequent ones that it lacks."""
    then, current = dict(before.top), dict(now.top)
    new = [value for value, _ in now.top if value not in then][:MOST_NEW]
    return [
        (value, then.get(value, 0) / max(1, before.count), current.get(value, 0) / max(1, now.count))
        for value in [*[*then][:BARS], *new]
    ]


def mean(column: ColumnProfile) -> str:
    """Return the mean of a number in words."""
    return "no values" if column.mean is None else f"mean {_said(column, column.mean)}"


def mode(column: ColumnProfile) -> str:
    """Return the most frequent value in words."""
    value, count = column.top[0]
    return f"{short(value)!r} {count / max(1, column.count):.0%}"


def short(value: str) -> str:
    """Return a value in one line of a table."""
    line = " ".join(value.split()) if any(letter in value for letter in "\n\r\t") else value
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _said(column: ColumnProfile, value: float) -> str:
    """Return a number, or the time that seconds since 1970 are."""
    if column.kind != "datetime":
        return f"{value:.4g}"
    try:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        return f"{value:.4g}"
