"""Drawings the size of a word: a column's distribution, and an interval between 0 and 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

BARS = 24
"""Most bars of a distribution."""
MOSTLY = 0.9
"""Share of a column's rows whose values must be known, so that a bar a value tells what it holds."""
WIDTH, HEIGHT = 120, 28


def sparkline(column: Mapping[str, Any]) -> Any:
    """Return an SVG (markupsafe.Markup) of a column profile: a bar a value where there are few, else its density."""
    few = few_values(column)
    if few is None and column.get("bins"):
        heights = _density(column["bins"])
        title = f"{column['name']}: density between the smallest and the largest value"
    else:
        pairs = (few if few is not None else column["top"])[:BARS]
        heights = [count for _, count in pairs]
        often = sorted(pairs, key=lambda pair: -pair[1])[:5]
        title = f"{column['name']}: {', '.join(f'{value} {count:,}' for value, count in often)}"
    return _bars(heights, title, "spark" if few is None and column.get("bins") else "spark values")


def lorenz(spread: Mapping[str, Any], name: str) -> Any:
    """Return an SVG (markupsafe.Markup) of a Lorenz curve under the line of equal shares; empty where there are few values."""
    from markupsafe import Markup

    points = spread["lorenz"]
    if not points:
        return ""
    side, last = 100, len(points) - 1
    path = " ".join(f"{side * i / last:.1f},{side * (1 - share):.1f}" for i, share in enumerate(points))
    title = escape(f"{name}: share of the rows that the rarest values have; Gini {spread['gini']:.2f}")
    return Markup(  # noqa: S704  every text in it is escaped above
        f'<svg class="lorenz" viewBox="-1 -1 {side + 2} {side + 2}" role="img" aria-label="{title}"><title>{title}</title>'
        f'<path class="rail" d="M0 {side}L{side} 0"/><polyline points="{path}"/></svg>'
    )


def overlaid(name: str, before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Any:
    """Return an SVG (markupsafe.Markup) of two profiles of a column, shares in ranges or of values; empty where unknown."""
    from markupsafe import Markup

    if before is None or now is None:
        return ""
    if before.get("bins") and now.get("bins"):
        low = min(side["bins"]["edges"][0] for side in (before, now))
        high = max(side["bins"]["edges"][-1] for side in (before, now))
        sides = [_shares_between(side["bins"], low, high) for side in (before, now)]
        title = f"{name}: share of the rows from {low:g} to {high:g}, before (behind) and now"
    else:
        counts = [dict(side["top"]) for side in (before, now)]
        values = sorted({*counts[0], *counts[1]}, key=lambda value: (-counts[0].get(value, 0), value))[:BARS]
        if not values:
            return ""
        totals = [max(1, sum(side.values())) for side in counts]
        sides = [[side.get(v, 0) / total for v in values] for side, total in zip(counts, totals, strict=True)]
        title = f"{name}: share of the rows of {', '.join(map(str, values[:5]))}, before (behind) and now"
    most = max(max(side, default=0.0) for side in sides) or 1.0
    width = 2 * WIDTH / max(1, len(sides[0]))
    bars = "".join(
        f'<rect class="{kind}" x="{i * width + inset * width:.2f}" y="{HEIGHT * 2 * (1 - share / most):.2f}" '
        f'width="{width * (1 - 2 * inset):.2f}" height="{HEIGHT * 2 * share / most:.2f}"/>'
        for kind, inset, side in (("before", 0.05, sides[0]), ("now", 0.3, sides[1]))
        for i, share in enumerate(side)
    )
    told = escape(title)
    return Markup(  # noqa: S704  every text in it is escaped above
        f'<svg class="overlaid" viewBox="0 0 {2 * WIDTH} {2 * HEIGHT}" role="img" aria-label="{told}">'
        f"<title>{told}</title>{bars}</svg>"
    )


def _shares_between(bins: Mapping[str, Any], low: float, high: float) -> list[float]:
    """Return the share of a binned sample in each of BARS equal ranges, rows evenly spread within a bin."""
    edges, total = bins["edges"], max(1, sum(bins["counts"]))
    step = (high - low) / BARS or 1.0
    shares = [0.0] * BARS
    for start, end, rows in zip(edges, edges[1:], bins["counts"], strict=False):
        first, last = (min(BARS - 1, int((edge - low) / step)) for edge in (start, end))
        for place in range(first, last + 1):
            inside = min(end, low + (place + 1) * step) - max(start, low + place * step)
            shares[place] += rows / total * (inside / (end - start) if end > start else 1.0 / (last - first + 1))
    return shares


def few_values(column: Mapping[str, Any]) -> list[tuple[str, float]] | None:
    """Return a number's values in order with their rows, where there are few and nearly all are known; else None."""
    bins, distinct = column.get("bins"), column["distinct"]
    if column["kind"] != "number" or not bins or not 0 < distinct <= BARS:
        return None
    if "histogram" not in column and len(bins["counts"]) == distinct:
        # Each bin holds one value then, which is its upper edge.
        return [(f"{edge:g}", rows) for edge, rows in zip(bins["edges"][1:], bins["counts"], strict=True)]
    # A value of one row is told only where it is an end of the column.
    known = {f"{float(edge):g}": 1 for edge in (bins["edges"][0], bins["edges"][-1])}
    known |= {str(value): rows for value, rows in column.get("top", ())}
    if sum(known.values()) < MOSTLY * (column["count"] - column["missing"]):
        return None
    return sorted(known.items(), key=lambda pair: float(pair[0]))


def interval(metric: Mapping[str, Any], others: Sequence[float | None] = ()) -> Any:
    """Return an SVG (markupsafe.Markup) of a metric from 0 to 1 with its interval, others as ticks; empty for other metrics."""
    from markupsafe import Markup

    value, low, high = metric["value"], metric.get("low"), metric.get("high")
    # An error below 1 is no share of anything.
    if not metric.get("greater_is_better", True) or any(one is None or not 0 <= one <= 1 for one in (value, low, high)):
        return ""
    ticks = "".join(
        f'<path class="other" d="M{_across(one)} 1V11"/>' for one in others if one is not None and 0 <= one <= 1
    )
    title = escape(f"{metric['name']} {value:.4g}, from {low:.4g} to {high:.4g}, between 0 and 1")
    return Markup(  # noqa: S704  every text in it is escaped above
        f'<svg class="interval" viewBox="0 0 {WIDTH} 12" role="img" aria-label="{title}"><title>{title}</title>'
        f'<path class="rail" d="M4 6H{WIDTH - 4}"/>{ticks}<path class="reach" d="M{_across(low)} 6H{_across(high)}"/>'
        f'<circle cx="{_across(value)}" cy="6" r="4"/></svg>'
    )


def difference(change: Mapping[str, Any]) -> Any:
    """Return an SVG (markupsafe.Markup) of a difference with its interval (low, high) around zero; empty where unknown."""
    from markupsafe import Markup

    value, low, high = change["difference"], change["low"], change["high"]
    if None in (value, low, high):
        return ""
    widest = max(abs(value), abs(low), abs(high)) or 1.0
    value, low, high = (0.5 + one / (2 * widest) for one in (value, low, high))
    title = escape(f"{change['metric']}: {change['low']:+.4g} to {change['high']:+.4g} around zero")
    return Markup(  # noqa: S704  every text in it is escaped above
        f'<svg class="interval" viewBox="0 0 {WIDTH} 12" role="img" aria-label="{title}"><title>{title}</title>'
        f'<path class="rail" d="M4 6H{WIDTH - 4}"/><path class="other" d="M{WIDTH / 2:.0f} 1V11"/>'
        f'<path class="reach" d="M{_across(low)} 6H{_across(high)}"/><circle cx="{_across(value)}" cy="6" r="4"/></svg>'
    )


def _across(value: Any) -> str:
    return f"{4 + (WIDTH - 8) * value:.1f}"


def _bars(heights: Sequence[float], title: str, name: str) -> Any:
    from markupsafe import Markup

    if not heights or max(heights) <= 0:
        return ""
    step = WIDTH / max(len(heights), 6)
    gap = 3 if "values" in name and step > 6 else 1
    tallest = max(heights)
    # A value of few rows is still seen to be there.
    tall = [max(HEIGHT * height / tallest, 1.0 if height else 0.0) for height in heights]
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{HEIGHT - one:.1f}" width="{step - gap:.1f}" height="{one:.1f}"/>'
        for i, one in enumerate(tall)
    )
    said = escape(title)
    return Markup(  # noqa: S704  every text in it is escaped above
        f'<svg class="{name}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}"><title>{said}</title>{bars}</svg>'
    )


def _density(bins: Mapping[str, Sequence[float]]) -> list[float]:
    """Return how much falls on equally wide bars, each bin spread evenly over its width."""
    edges, counts = bins["edges"], bins["counts"]
    low, high = edges[0], edges[-1]
    heights = [0.0] * BARS
    if high <= low:
        heights[BARS // 2] = float(sum(counts))
        return heights
    width = (high - low) / BARS
    for start, end, count in zip(edges[:-1], edges[1:], counts, strict=True):
        first = min(int((start - low) / width), BARS - 1)
        last = min(int((end - low) / width), BARS - 1)
        for bar in range(first, last + 1):
            overlap = min(end, low + (bar + 1) * width) - max(start, low + bar * width)
            heights[bar] += count * (overlap / (end - start) if end > start else 1.0)
    return heights
