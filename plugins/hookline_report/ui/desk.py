"""What every page is made with: the home, who may look, and who may act."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from hookline.live.serving.tokens import Tokens
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.catalog.sql.engine import catalog_url, require_readable
from hookline.workspace.home import home_in
from hookline.workspace.workspace import Workspace, held_open, open_workspace

from .sessions import Session, Sessions

if TYPE_CHECKING:
    from starlette.requests import Request


@dataclass
class Desk:
    """The home that is looked at, and who may look and act."""

    home: Path
    tokens: Tokens
    sessions: Sessions
    is_open: bool
    """Whether pages are read without a token; actions never are."""
    hosts: frozenset[str] | None
    """Names by which this machine is asked; None: any, since pages ask for a token then."""

    _open: list[Workspace] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @cached_property
    def registry(self) -> Registry:
        """What plugins bring, loaded once."""
        return load_registry()

    def workspace(self) -> Workspace:
        """Return the home, opened once; raises StoreError at once where another process holds it, or it is damaged or away."""
        require_readable(catalog_url(self.home))
        with self._lock:
            if not self._open:
                self._open.append(open_workspace(self.home))
        found = self._open[0]
        found.catalog.database.require_same()
        return found

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Let everything within this block go by the home that is open."""
        with home_in(self.home), held_open(self.workspace()):
            yield


def desk_of(request: Request) -> Desk:
    """Return the desk of a request's application."""
    found: Any = request.app.state.desk
    assert isinstance(found, Desk)
    return found


def session_of(request: Request) -> Session | None:
    """Return who asks, where they gave a token."""
    sessions = desk_of(request).sessions
    return sessions.find(request.cookies.get(sessions.cookie))
