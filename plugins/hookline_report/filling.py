"""Fills templates with plain data, and with all that a page needs to be shown without a network."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .glyphs import interval, sparkline
from .wording import FILTERS

HERE = Path(__file__).parent
MOST_COLUMNS = 300
"""Columns of the data that are shown, so that the page stays below 2 MB."""
MOST_ROWS = 1_000
"""Rows of a table that are shown."""
AT_ONCE = 15
"""Rows of a table above which only the first are seen, until all of them are asked for; how many first, the style says."""


def fill(name: str, facts: Mapping[str, Any], charts: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return a page from its template, with facts and charts: each with id, section, title and spec."""
    from .vega import packed

    page: str = template(name).render(
        facts,
        charts=charts,
        most_rows=MOST_ROWS,
        most_columns=MOST_COLUMNS,
        at_once=AT_ONCE,
        chart_data=_for_script(charts),
        vega=packed() if charts else "",
        style=(HERE / "style.css").read_text("utf-8"),
        script=(HERE / "script.js").read_text("utf-8"),
    )
    return page


def template(name: str) -> Any:
    """Return a template (jinja2.Template) that escapes what it is filled with."""
    from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

    folder = cache_folder()
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        bytecode_cache=FileSystemBytecodeCache(str(folder)) if folder else None,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    environment.globals |= {"sparkline": sparkline, "interval": interval}
    return environment.get_template(name)


def cache_folder() -> Path | None:
    """Return the user's cache folder of ours, made if need be; None where it cannot be written."""
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hookline"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # The second where the user has no home.
        return None
    return folder if os.access(folder, os.W_OK) else None


def finite(value: Any) -> Any:
    """Return plain data with None for NaN and infinities, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


def _for_script(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
