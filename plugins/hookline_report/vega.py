"""The charts' libraries: Vega, Vega-Lite and Vega-Embed, bundled once, and drawing without a browser.

`python -m hookline_report.vega` bundles them from the vl-convert that is installed, into the folder of this package; where nobody
did, the first report does, and keeps them in the user's cache.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hookline.workspace.files import write_whole

from .filling import cache_folder


def packed() -> str:
    """Return the script as it stands in a page: gzip in Base64; a browser unpacks it."""
    beside, folder = beside_here(), cache_folder()
    places = [beside, *([folder / beside.name] if folder else [])]
    found = next((place.read_bytes() for place in places if place.is_file()), None)
    if found is None:
        found = bundle()
        if folder:
            write_whole(folder / beside.name, found)
    return b64encode(found).decode("ascii")


def beside_here() -> Path:
    """Return where the bundle of the installed libraries lies once it is made."""
    return Path(__file__).parent / f"vega-{version('vl-convert-python')}.js.gz"


def bundle() -> bytes:
    """Return the script, compressed, as the installed vl-convert has it; the same libraries always give the same bytes."""
    import gzip

    import vl_convert

    # Its type stub asks for a snippet, without which the function leaves the libraries' own names in place.
    made: Any = vl_convert.javascript_bundle
    return gzip.compress(str(made()).encode(), 9, mtime=0)


def inked(colors: Sequence[str], axis: Mapping[str, Any], legend: Mapping[str, Any]) -> dict[str, Any]:
    """Return the style of charts whose letters and lines have the color of the text around them.

    colors: of categories, the first of all that is drawn alone; axis, legend: what stands above what is usual there
    """
    ink = {"labelColor": "currentColor", "titleColor": "currentColor"}
    lines = {"gridColor": "currentColor", "domainColor": "currentColor", "tickColor": "currentColor"}
    faint = {"gridOpacity": 0.14, "domainOpacity": 0.3, "tickOpacity": 0.3}
    return {
        "background": "transparent",
        "font": "system-ui, sans-serif",
        "view": {"stroke": None},
        "axis": {**ink, **lines, **faint, "labelLimit": 160, "titleFontWeight": 500, "labelOverlap": "greedy", **axis},
        "legend": {**ink, "orient": "bottom", "columns": 3, "symbolLimit": 12, **legend},
        "text": {"color": "currentColor"},
        "range": {"category": [*colors]},
        **{mark: {"color": colors[0]} for mark in ("line", "bar", "circle", "rule")},
        "point": {"color": colors[0], "filled": True},
    }


def drawn(spec: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Return a Vega-Lite spec as SVG, which needs neither script nor browser; raises ValueError for what cannot be drawn.

    Charts hold their data: one that would fetch it from somewhere is not drawn.
    """
    import vl_convert

    return vl_convert.vegalite_to_svg({**spec, "config": {**config}}, allowed_base_urls=[])


if __name__ == "__main__" and not beside_here().is_file():
    write_whole(beside_here(), bundle())
