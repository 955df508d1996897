"""Pages on the home and its models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.live.overview.home import overview
from hookline.live.overview.model import ModelOverview, model_in
from hookline.live.overview.series import (
    ColumnDrift,
    drift_over_time,
    plain_series,
    quality_over_time,
)
from hookline.live.overview.truths import truth_by_age

from .desk import desk_of
from .drawing import beside_spec, drift_spec, metric_spec, pairs_of, svg
from .rendering import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MOST_DRAWN = 8
"""Columns whose way over time is drawn; the others stand in the table."""
MOST_METRICS = 6
MOST_WINDOWS = 20


def home(request: Request) -> Response:
    """Show what needs attention, and every model."""
    found = overview(desk_of(request).home)
    return page(request, "home.html.jinja", {"found": found, "plain": found.plain()})


def model(request: Request) -> Response:
    """Show a model as a whole: what needs attention, and who answers what share, how fast."""
    found = _overview(request, asks=True)
    return page(request, "model.html.jinja", {**_around(found, "overview"), "plain": found.plain()})


def versions(request: Request) -> Response:
    """Show a model's versions and its promotion log."""
    found = _overview(request)
    return page(request, "versions.html.jinja", {**_around(found, "versions"), "plain": found.plain()})


def alarms(request: Request) -> Response:
    """Show a model's alarms, and what people did about them."""
    found = _overview(request)
    return page(request, "alarms.html.jinja", {**_around(found, "alarms"), "plain": found.plain()})


def drift(request: Request) -> Response:
    """Show how far each column has moved over time, and how the farthest are distributed."""
    found, desk = _overview(request), desk_of(request)
    columns = drift_over_time(found.card.model, home=desk.home)
    drawn = [_drawn(one) for one in columns[:MOST_DRAWN]]
    facts = {**_around(found, "drift"), "columns": columns, "drawn": drawn, "plain": plain_series(columns)}
    return page(request, "drift.html.jinja", facts)


def quality(request: Request) -> Response:
    """Show how good answers were, as far as labels have come."""
    found, desk = _overview(request), desk_of(request)
    name = found.card.model
    series = quality_over_time(name, home=desk.home)
    pairs = pairs_of(series)
    drawn = [
        (measured or estimated, svg(metric_spec(measured, estimated), _titled(measured or estimated)))
        for measured, estimated in pairs[:MOST_METRICS]
    ]
    others = [one for one in series if not one.how]
    windows = [(one.how, point) for one in (pairs[0] if pairs else ()) if one is not None for point in one.points]
    newest = sorted(windows, key=lambda told: told[1].until, reverse=True)[:MOST_WINDOWS]
    told = {
        "series": series,
        "pairs": pairs,
        "drawn": drawn,
        "others": others,
        "newest": newest,
        "labels": truth_by_age(name, home=desk.home),
    }
    return page(request, "quality.html.jinja", {**_around(found, "quality"), **told, "plain": plain_series(series)})


def features(request: Request) -> Response:
    """Show the features of the version in charge, with what each weighs."""
    from hookline.packages.telling.features import features_frame

    found, desk = _overview(request), desk_of(request)
    record = desk.workspace().catalog.models.get(found.card.model, found.card.version)
    rows = features_frame(Path(record.path), record.version).to_dicts()
    facts = {
        **_around(found, "features"),
        "rows": rows,
        "weighed": any(row["weight"] != 1 for row in rows),
        "most": max((row["share"] or 0 for row in rows), default=0) or 1,
    }
    return page(request, "features.html.jinja", {**facts, "plain": rows})


def _overview(request: Request, *, asks: bool = False) -> ModelOverview:
    """Return how the model stands. asks: also what its deployer would do next, which may read what labels tell"""
    desk = desk_of(request)
    return model_in(desk.registry if asks else None, desk.workspace(), request.path_params["model"])


def _around(found: ModelOverview, tab: str) -> dict[str, Any]:
    """Return what every page of a model shows."""
    return {"found": found, "card": found.card, "name": found.card.model, "tab": tab}


def _drawn(one: ColumnDrift) -> dict[str, Any]:
    then = None if one.chart is None else svg(beside_spec(one.chart["spec"]), one.chart["title"])
    title = f"how far '{one.column}' has moved, window by window"
    return {"column": one, "over_time": svg(drift_spec(one), title), "then": then}


def _titled(one: Any) -> str:
    return f"{one.metric.replace('_', ' ')} over time"
