"""A column's distribution as a drawing the size of a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

BARS = 24
WIDTH, HEIGHT = 120, 28


def sparkline(column: Mapping[str, Any]) -> Any:
    """Return an SVG (markupsafe.Markup) of a column profile: its density, or its most frequent values."""
    from markupsafe import Markup

    heights = _density(column["bins"]) if column.get("bins") else [count for _, count in column["top"][:BARS]]
    if not heights or max(heights) <= 0:
        return ""
    step = WIDTH / max(len(heights), 6)
    tallest = max(heights)
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{HEIGHT - HEIGHT * h / tallest:.1f}" width="{step - 1:.1f}" '
        f'height="{HEIGHT * h / tallest:.1f}"/>'
        for i, h in enumerate(heights)
    )
    title = escape(_title(column))
    return Markup(  # noqa: S704  every text in it is escaped above
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}"><title>{title}</title>{bars}</svg>'
    )


def _title(column: Mapping[str, Any]) -> str:
    if column.get("bins"):
        return f"{column['name']}: density between the smallest and the largest value"
    shown = ", ".join(f"{value} {count:,}" for value, count in column["top"][:5])
    return f"{column['name']}: {shown}"


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
