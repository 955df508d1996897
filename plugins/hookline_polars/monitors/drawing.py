"""How a column's distribution is drawn and said, then and now."""

from __future__ import annotations

from hookline import Chart, ColumnProfile


def chart(before: ColumnProfile, now: ColumnProfile) -> Chart:
    """Draw how a column was distributed in training, and how it is now."""
    values = []
    for sample, column in (("training", before), ("current", now)):
        for label, share in _shares(column, before):
            values.append({"sample": sample, "value": label, "share": round(share, 5)})
    encoding = {
        "x": {"field": "value", "type": "nominal", "sort": None, "title": before.name, "axis": {"labelAngle": -40}},
        "xOffset": {"field": "sample"},
        "y": {"field": "share", "type": "quantitative", "axis": {"format": "%"}},
        "color": {"field": "sample", "type": "nominal"},
    }
    return Chart(
        f"drift_{before.name}",
        f"'{before.name}' in training and now",
        {"data": {"values": values}, "mark": "bar", "encoding": encoding},
    )


def _shares(column: ColumnProfile, reference: ColumnProfile) -> list[tuple[str, float]]:
    """Return at most ten bins or values with their share of the rows."""
    if reference.bins is not None and column.bins is not None:
        step = -(-len(reference.bins.counts) // 10)
        total = max(1, sum(column.bins.counts))
        edges = reference.bins.edges
        return [
            (
                f"{edges[i]:.3g} to {edges[min(i + step, len(edges) - 1)]:.3g}",
                sum(column.bins.counts[i : i + step]) / total,
            )
            for i in range(0, len(reference.bins.counts), step)
        ]
    counts = dict(column.top)
    return [(value, counts.get(value, 0) / max(1, column.count)) for value, _ in reference.top[:10]]


def mean(column: ColumnProfile) -> str:
    """Return the mean of a number in words."""
    return "no values" if column.mean is None else f"mean {column.mean:.4g}"


def mode(column: ColumnProfile) -> str:
    """Return the most frequent value in words."""
    value, count = column.top[0]
    return f"{value!r} {count / max(1, column.count):.0%}"
