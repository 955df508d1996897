"""The application: which address shows which page, and what is shown where one cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from hookline.errors import HooklineError, StoreError, UnknownName, UsageError

from ..filling import HERE
from .desk import Desk, desk_of
from .guard import guarded
from .rendering import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

FILES = {"ui.css": "text/css", "ui.js": "text/javascript"}


def app_of(desk: Desk) -> ASGIApp:
    """Return the application of a home."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.routing import Route

    from . import acts, models, past, signing

    shown = {
        "/": models.home,
        "/models/{model}": models.model,
        "/models/{model}/versions": models.versions,
        "/models/{model}/drift": models.drift,
        "/models/{model}/quality": models.quality,
        "/models/{model}/alarms": models.alarms,
        "/models/{model}/features": models.features,
        "/runs": past.runs,
        "/runs/{run}": past.run,
        "/runs/{run}/report": past.report,
        "/compare": past.compared,
        "/sweeps": past.sweeps,
        "/sweeps/{sweep}": past.sweep,
        "/data": past.data,
        "/data/{mark}": past.version,
    }
    forms = {
        "/login": signing.login,
        "/logout": signing.logout,
        "/models/{model}/alarms/{alarm:int}/ack": acts.ack,
        "/models/{model}/mute": acts.mute,
        "/models/{model}/promote": acts.promote,
        "/models/{model}/rollback": acts.rollback,
    }
    made = Starlette(
        routes=[
            Route("/static/{name}", _static),
            *(Route(path, _at_home(show)) for path, show in shown.items()),
            *(Route(path, show, methods=["GET", "POST"]) for path, show in forms.items()),
        ],
        exception_handlers={
            HTTPException: _refused,
            UnknownName: _unknown,
            HooklineError: _failed,
            OSError: _unreadable,
            Exception: _broken,
        },
    )
    made.state.desk = desk
    return guarded(made, desk)


def _at_home(show: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Return a page that goes by the home that is held open; in a thread of its own, as it reads files."""

    def shown(request: Request) -> Response:
        with desk_of(request).at_home():
            return show(request)

    return shown


@cache
def _file(name: str) -> str:
    if name == "ui.js":
        return (HERE / "ui" / name).read_text("utf-8")
    style = (HERE / "style.css").read_text("utf-8")
    dark = re.findall(r':root\[data-theme="dark"\] \{(.*?)\}', style, re.DOTALL)
    own = (HERE / "ui" / name).read_text("utf-8")
    dark += re.findall(r':root\[data-theme="dark"\] \{(.*?)\}', own, re.DOTALL)
    # Also where no script says which theme a reader prefers.
    preferred = f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme]) {{ {' '.join(dark)} }} }}\n"
    return f"{style}{own}{preferred}"


def _static(request: Request) -> Response:
    from starlette.exceptions import HTTPException
    from starlette.responses import Response

    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    return Response(_file(name), media_type=FILES[name], headers={"cache-control": "max-age=300"})


def _refused(request: Request, error: Any) -> Response:
    said = {
        404: ("There is no such page", "the pages there are begin at the top"),
        405: ("That cannot be done here", ""),
    }
    title, advice = said.get(error.status_code, ("That is refused", ""))
    detail = error.detail if error.status_code not in said else ""
    return _error(request, error.status_code, title, detail, advice)


def _unknown(request: Request, error: Any) -> Response:
    return _error(request, 404, f"There is no such {error.what}", error.message, error.hint)


def _failed(request: Request, error: Any) -> Response:
    if isinstance(error, StoreError):
        return _error(request, 503, "The home cannot be used as it is", error.message, error.hint)
    if isinstance(error, UsageError):
        return _error(request, 409, "That cannot be done", error.message, error.hint)
    return _error(request, 500, "That did not work", error.message, error.hint)


def _unreadable(request: Request, error: Any) -> Response:
    where = f"{error.filename}: " if error.filename else ""
    told = f"{where}{error.strerror or error}"
    return _error(request, 503, "A file cannot be read", told, "hookline doctor says more")


def _broken(request: Request, error: Exception) -> Response:
    said = f"{type(error).__name__}; the terminal that runs `hookline ui` says where"
    return _error(request, 500, "Something is broken in this page", said, "hookline doctor looks at the home")


def _error(request: Request, status: int, title: str, message: str, hint: str | None) -> Response:
    facts = {"title": title, "message": message, "hint": hint or "", "status": status}
    return page(request, "error.html.jinja", {**facts, "plain": facts}, status)
