"""Fills the templates of pages: every text is escaped, and rid of secrets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hookline.kinds.deployments import REFUSED
from hookline.live.overview.delays import span_said
from hookline.telling.secrets import redacted

from ..filling import HERE, cache_folder
from ..glyphs import interval, sparkline
from ..wording import FILTERS
from .desk import desk_of, session_of
from .glyphs import bar, reach

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

TEMPLATES = Path(__file__).parent / "templates"
THEMES = ("light", "dark")
LONGEST = 400
"""Letters of a text that a page shows where it is one of many."""


def page(request: Request, name: str, facts: dict[str, Any], status: int = 200) -> Response:
    """Return a page from its template; with `?json` what it tells, as JSON."""
    from starlette.responses import HTMLResponse, JSONResponse

    if "json" in request.query_params and "plain" in facts:
        return JSONResponse(cleaned(facts["plain"]), status)
    session = session_of(request)
    theme = request.cookies.get("theme")
    told = session.take_told() if session is not None and request.method == "GET" else ""
    around = {
        "session": session,
        "is_open": desk_of(request).is_open,
        "theme": theme if theme in THEMES else None,
        "path": request.url.path,
        "told": told,
        "has_json": "plain" in facts,
    }
    return HTMLResponse(environment().get_template(name).render(around | facts), status)


def cleaned(value: Any) -> Any:
    """Return JSON values without secrets, and without numbers that JSON does not have."""
    from ..filling import finite

    def clean(one: Any) -> Any:
        if isinstance(one, dict):
            return {str(key): clean(item) for key, item in one.items()}
        if isinstance(one, (list, tuple)):
            return [clean(item) for item in one]
        if one is None or isinstance(one, (bool, int, float)):
            return one
        return redacted(one.isoformat() if isinstance(one, datetime) else str(one))

    return clean(finite(value))


@cache
def environment() -> Any:
    """Return what fills templates (jinja2.Environment), made once."""
    from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

    folder = cache_folder()
    made = Environment(
        loader=FileSystemLoader([TEMPLATES, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        bytecode_cache=FileSystemBytecodeCache(str(folder)) if folder else None,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_without_secrets,
    )
    made.filters |= {
        **FILTERS,
        "address": lambda text: quote(str(text), safe=""),
        "ago": ago,
        "stamp": stamp,
        "cut": cut,
        "percent": percent,
        "span": span_said,
        "lag": lag,
    }
    made.globals |= {"sparkline": sparkline, "interval": interval, "bar": bar, "reach": reach, "why_refused": REFUSED}
    return made


def ago(moment: datetime | None) -> str:
    """Return how long ago a moment was, or how long it is until then."""
    if moment is None:
        return "never"
    span = datetime.now(UTC) - moment
    if abs(span) < timedelta(minutes=1):
        return "just now"
    return f"{span_said(span)} ago" if span > timedelta() else f"in {span_said(-span)}"


def stamp(moment: datetime | None) -> str:
    """Return a moment as a person reads it, UTC."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def cut(text: Any, most: int = LONGEST) -> str:
    """Return a text without its end where it is too long to be one of many."""
    whole = str(text)
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def percent(share: float | None) -> str:
    """Return a share as people write it."""
    return "–" if share is None else f"{share * 100:.3g} %"


def lag(seconds: float | None) -> str:
    """Return how long after a window it was looked at."""
    return "" if seconds is None else span_said(timedelta(seconds=seconds))


def _without_secrets(value: Any) -> Any:
    # What is marked as safe was escaped already, of texts that came through here or are our own.
    return redacted(value) if type(value) is str else value
