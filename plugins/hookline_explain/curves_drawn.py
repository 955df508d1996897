"""Partial dependence told and drawn: a table of all columns, and a chart of each of those that move the answers most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from hookline import Chart, Finding, Report, Table, Target

from .answers import unit_of
from .curves import Curve
from .drawing import Spec, rounded
from .reporting import value_text

if TYPE_CHECKING:
    import numpy as np

NAME = "partial_dependence"
FEW_TEXTS = 6
"""Texts that stand level below a chart; more stand on end."""
MOST_CLASSES = 8
"""Classes that are drawn: those whose mean answer goes furthest."""


def report_of(
    curves: Sequence[Curve],
    target: Target,
    most: int,
    lines: int,
    findings: tuple[Finding, ...],
    *,
    centered: bool,
) -> Report:
    """Say how answers go by columns, those first by which they go furthest. most: columns drawn; lines: rows drawn in each"""
    ordered = sorted(curves, key=lambda curve: -curve.importance())
    unit = unit_of(target)
    about = f"{unit} of {target.classes[1]}" if target.task == "binary" else unit
    title = f"How the answers for '{target.name}' go by each column, on {len(curves[0].weight):,} rows"
    reaches = Table(
        f"{NAME}_reach",
        ("column", "importance", f"reach of the mean {unit}", "rows go other ways by"),
        tuple((curve.column, curve.importance(), curve.reach(), curve.unlike()) for curve in ordered),
    )
    charts = tuple(_chart(curve, target, about, lines, centered=centered) for curve in ordered[:most])
    importances = {curve.column: curve.importance() for curve in ordered}
    return Report(title, (), (reaches, _means(ordered, target, about)), charts, findings, importances=importances)


def _means(curves: Sequence[Curve], target: Target, about: str) -> Table:
    """Return the mean answer at every value of every grid: of two classes of the later one, else a column a class."""
    shown = _outputs(target)
    rows = tuple(
        (curve.column, _text(value), *(float(curve.mean[at, output]) for output in shown))
        for curve in curves
        for at, value in enumerate(curve.values)
    )
    names = [f"{unit_of(target)} of {target.classes[output]}" for output in shown] if len(shown) > 1 else [about]
    return Table(NAME, ("column", "value", *(f"mean {name}" for name in names)), rows)


def _outputs(target: Target) -> Sequence[int]:
    return [1] if target.task == "binary" else range(max(1, len(target.classes)))


def _chart(curve: Curve, target: Target, about: str, lines: int, *, centered: bool) -> Chart:
    import numpy as np

    mean, each = (_centered(curve.mean), _centered(curve.each)) if centered else (curve.mean, curve.each)
    shown = [*_outputs(target)]
    furthest = np.argsort(-np.ptp(curve.mean[:, shown], axis=0), kind="stable")[:MOST_CLASSES]
    drawn = [shown[place] for place in sorted(furthest.tolist())]
    label = f"change of {about} since the first value" if centered else f"mean {about}"
    x: Spec = {"field": "value", "type": _scale(curve), "title": curve.column}
    if curve.continuous:
        x |= {"scale": {"zero": False, "nice": False}}
    else:
        level = {"labelAngle": 0} if curve.known <= FEW_TEXTS else {}
        x |= {"sort": None, "axis": {"labelLimit": 160, **level}}
    y = {"field": "answer", "type": "quantitative", "title": label, "scale": {"zero": False}}
    layers = [*_own_lines(curve, each, drawn[0], lines)] if len(drawn) == 1 else []
    layers += _mean_layers(curve, mean, drawn, target)
    spec = {"encoding": {"x": x, "y": y}, "layer": layers}
    return Chart(f"{NAME}_{curve.column}", f"As {curve.column} changes", spec)


def _own_lines(curve: Curve, each: np.ndarray, output: int, lines: int) -> Iterator[Spec]:
    """Yield some rows' own curves, thin."""
    values = [
        {"row": row, "value": _plain(value), "answer": rounded(answer)}
        for row in range(min(lines, len(each)))
        for value, answer in zip(curve.values[: curve.known], each[row, :, output].tolist(), strict=False)
    ]
    if values:
        mark = {"type": "line" if curve.continuous else "tick", "opacity": 0.25, "strokeWidth": 1, "thickness": 1}
        yield {"data": {"values": values}, "mark": mark, "encoding": {"detail": {"field": "row"}}}


def _mean_layers(curve: Curve, mean: np.ndarray, drawn: Sequence[int], target: Target) -> Iterator[Spec]:
    """Yield the mean's curve, of several classes one each, and what is answered where the value is missing."""
    several = len(drawn) > 1
    color: Spec = {"color": {"field": "class", "type": "nominal", "title": None}} if several else {}

    def points(start: int, stop: int) -> list[Mapping[str, Any]]:
        return [
            {"value": _plain(curve.values[at]), "answer": rounded(float(mean[at, output]))}
            | ({"class": f"{target.classes[output]}"} if several else {})
            for output in drawn
            for at in range(start, stop)
        ]

    tooltip = [{"field": "value"}, {"field": "answer"}, *([{"field": "class"}] if several else [])]
    line: Spec = {"type": "line", "point": True, "strokeWidth": 2.5}
    dots: Spec = {"type": "point", "filled": True, "size": 80, "opacity": 1}
    mark = line if curve.continuous else dots
    yield {"data": {"values": points(0, curve.known)}, "mark": mark, "encoding": {**color, "tooltip": tooltip}}
    if curve.known < len(curve.values):
        missing = {"values": points(curve.known, len(curve.values))}
        level = {"x": None, "tooltip": [{"field": "value"}, {"field": "answer"}], **color}
        yield {"data": missing, "mark": {"type": "rule", "strokeDash": [4, 4], "opacity": 0.8}, "encoding": level}
        word = {"type": "text", "text": "missing", "align": "right", "baseline": "bottom", "x": "width", "dx": -4}
        yield {"data": missing, "mark": word, "encoding": {"x": None}}


def _centered(answers: np.ndarray) -> np.ndarray:
    """Return curves as the change since their first value; values stand in the last axis but one."""
    centered: np.ndarray = answers - answers[..., :1, :]
    return centered


def _scale(curve: Curve) -> str:
    if not curve.continuous:
        return "nominal"
    return "temporal" if isinstance(curve.values[0], (date, datetime)) else "quantitative"


def _plain(value: Any) -> Any:
    """Return a value as a chart's data hold it."""
    if value is None or isinstance(value, (bool, str)):
        return "missing" if value is None else value_text(value)
    return value.isoformat() if isinstance(value, (date, datetime)) else float(f"{value:.6g}")


def _text(value: Any) -> str:
    return value_text(value) if value is None or isinstance(value, (bool, str)) else f"{_plain(value)}"
