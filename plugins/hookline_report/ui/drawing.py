"""The charts of pages: drawn here as SVG that takes its colors from the page, so that a browser needs no script."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

from hookline.live.overview.series import ColumnDrift, MetricSeries

from ..filling import finite
from ..vega import drawn, inked

COLORS = [f"#c01{place:03}" for place in range(8)]
"""Stand for the colors of lines and bars, for which the page's own are put in."""
NAMED = {"#acce00": "accent", "#aa4400": "mark", "#bad000": "bad", "#f00d00": "faint"}
"""Stand for other colors of the page."""
SMALL = {"gridOpacity": 0.12, "labelLimit": 110, "labelFontSize": 10, "titleFontSize": 10}
CONFIG = inked(["#acce00", "#aa4400", *COLORS], SMALL, {"labelLimit": 160}) | {"rule": {"color": "#f00d00"}}
TIME = {
    "type": "temporal",
    "title": None,
    "axis": {"tickCount": 5, "grid": False, "format": "%d %b %H:%M"},
    "scale": {"type": "utc"},
}
PALETTE = re.compile(r"#(?:acce00|aa4400|bad000|f00d00|c01\d{3})")
SIZE = {"width": 330, "height": 140}
"""As on a phone, so that letters are read there; a desk shows the same larger."""
_one_at_a_time = Lock()


def svg(spec: Mapping[str, Any], title: str) -> Any:
    """Return a chart (markupsafe.Markup), which says its title to those who do not see it."""
    from markupsafe import Markup

    sized = {**SIZE, **{key: value for key, value in spec.items() if key != "width" or isinstance(value, int)}}
    try:
        made = _svg(json.dumps(finite(sized), sort_keys=True))
    except ValueError:
        # Of a plugin, whose other charts and figures are shown all the same.
        return Markup('<p class="faint">This chart cannot be drawn.</p>')
    # Vega escapes its texts.
    head = Markup('<svg role="img" aria-label="{}" ').format(title)
    return head + Markup(made.removeprefix("<svg "))  # noqa: S704


@lru_cache(maxsize=512)
def _svg(spec: str) -> str:
    with _one_at_a_time:
        text = drawn(json.loads(spec), CONFIG)
    mark = hashlib.sha256(spec.encode()).hexdigest()[:8]
    # No two charts of a page share an id, and no style stands within one, which the page's policy would refuse.
    apart = re.sub(r'( id="|url\(#)', rf"\1h{mark}-", text)
    bare = re.sub(r' style="[^"]*"', "", re.sub(r"<style.*?</style>", "", apart, flags=re.DOTALL))
    sized = re.sub(r'^<svg ([^>]*?)width="[\d.]+" height="[\d.]+"', r"<svg \1", bare)
    return PALETTE.sub(_of_page, sized)


def _of_page(found: re.Match[str]) -> str:
    color = found.group()
    if color in NAMED:
        return f"var(--{NAMED[color]})"
    return f"var(--c{int(color[-3:]) + 1})"


def drift_spec(one: ColumnDrift) -> dict[str, Any]:
    """Return how far a column moved over time, with the threshold, and what went beyond it marked."""
    values = [
        {
            "until": point.until.isoformat(),
            "effect": point.effect,
            "low": point.low if point.low is not None else point.effect,
            "threshold": point.threshold,
            "drifted": point.drifted,
        }
        for point in one.points
    ]
    x = {**TIME, "field": "until"}
    y = {"type": "quantitative", "title": one.statistic, "axis": {"tickCount": 4}, "scale": {"domainMin": 0}}
    return {
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.16, "color": "#acce00"},
                "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "effect"}},
            },
            {
                "mark": {"type": "line", "strokeDash": [5, 4], "strokeWidth": 1.5, "color": "#aa4400"},
                "encoding": {"x": x, "y": {"field": "threshold", **y}},
            },
            {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"x": x, "y": {"field": "effect", **y}}},
            {
                "transform": [{"filter": "datum.drifted"}],
                "mark": {"type": "point", "size": 36, "filled": True, "color": "#bad000"},
                "encoding": {"x": x, "y": {"field": "effect", **y}},
            },
        ],
    }


def beside_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a chart of how a column was distributed in training and then, with training first."""
    encoding = dict(spec.get("encoding", {}))
    for channel in ("color", "xOffset"):
        if channel in encoding:
            encoding[channel] = {**encoding[channel], "sort": None, "title": None}
    if "x" in encoding:
        encoding["x"] = {**encoding["x"], "title": None}
    return {**spec, "encoding": encoding, "height": SIZE["height"] - 30}


def metric_spec(measured: MetricSeries | None, estimated: MetricSeries | None) -> dict[str, Any]:
    """Return a metric over time: measured by labels with its interval, estimated before they come, and on held-out rows."""
    one = measured or estimated
    assert one is not None
    x = {**TIME, "field": "until"}
    y = {
        "type": "quantitative",
        "title": one.metric.replace("_", " "),
        "axis": {"tickCount": 4},
        "scale": {"zero": False},
    }
    color = {
        "field": "how",
        "type": "nominal",
        "title": None,
        "sort": ["measured", "estimated"],
        "legend": {"symbolOpacity": 1},
        "scale": {"domain": ["measured", "estimated"]},
    }
    if not (measured and estimated):
        color = {**color, "legend": None}
    values = [
        {
            "until": point.until.isoformat(),
            "value": point.value,
            "low": point.low,
            "high": point.high,
            "how": series.how or "measured",
        }
        for series in (measured, estimated)
        if series is not None
        for point in series.points
    ]
    layers: list[dict[str, Any]] = [
        {
            "transform": [{"filter": "datum.low !== null && datum.high !== null"}],
            "mark": {"type": "area", "opacity": 0.14},
            "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}, "color": color},
        },
        {
            "mark": {"type": "line", "point": {"size": 22}},
            "encoding": {"x": x, "y": {"field": "value", **y}, "color": color},
        },
    ]
    held = next((series.held_out for series in (measured, estimated) if series and series.held_out is not None), None)
    if held is not None:
        layers.append(
            {
                "data": {"values": [{"held": held}]},
                "mark": {"type": "rule", "strokeDash": [5, 4]},
                "encoding": {"y": {"field": "held", **y}},
            }
        )
    return {"data": {"values": values}, "layer": layers}


def pairs_of(found: Sequence[MetricSeries]) -> list[tuple[MetricSeries | None, MetricSeries | None]]:
    """Return series of how good answers are, of each metric the measured and the estimated one."""
    held = {(one.monitor, one.metric, one.how): one for one in found if one.how}
    names = list(dict.fromkeys((monitor, metric) for monitor, metric, _ in held))
    return [(held.get((*name, "measured")), held.get((*name, "estimated"))) for name in names]
