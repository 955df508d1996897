"""What every page is made with: the home, who may look, and who may act."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.live.serving.tokens import Tokens
from hookline.workspace.workspace import Workspace, open_workspace

from .sessions import Session, Sessions

if TYPE_CHECKING:
    from starlette.requests import Request


@dataclass(frozen=True)
class Desk:
    """The home that is looked at, and who may look and act."""

    home: Path
    tokens: Tokens
    sessions: Sessions
    is_open: bool
    """Whether pages are read without a token; actions never are."""
    hosts: frozenset[str] | None
    """Names by which this machine is asked; None: any, since pages ask for a token then."""

    def workspace(self) -> Workspace:
        """Open the home; raises StoreError at once where another process holds it, or it is damaged."""
        from hookline.workspace.catalog.sql.engine import catalog_url, require_readable

        require_readable(catalog_url(self.home))
        return open_workspace(self.home)


def desk_of(request: Request) -> Desk:
    """Return the desk of a request's application."""
    found: Any = request.app.state.desk
    assert isinstance(found, Desk)
    return found


def session_of(request: Request) -> Session | None:
    """Return who asks, where they gave a token."""
    sessions = desk_of(request).sessions
    return sessions.find(request.cookies.get(sessions.cookie))
