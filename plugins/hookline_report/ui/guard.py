"""What stands before every page: which host may be asked for, who may look, and what a browser may do with an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from .desk import Desk

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
"""Of pages: files of this server and nothing else, and no script or style within a page."""
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""Of a run's report, which holds its own scripts: it runs apart, as if of another site, and reaches nothing."""
HEADERS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
FREE = ("/login", "/static/")
"""What is answered without a token, by how its path begins."""


def guarded(app: ASGIApp, desk: Desk) -> ASGIApp:
    """Return an application that answers only what it is asked for under its own name, by those who may look."""

    async def ask(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse, RedirectResponse

        headed = _headed(send)
        request = Request(scope)
        # A page elsewhere may have its name led to this machine, and would read what is here as its own.
        if desk.hosts is not None and _host(request.headers.get("host", "")) not in desk.hosts:
            said = PlainTextResponse("this host is not served here: ask for localhost\n", 421)
            await said(scope, receive, headed)
            return
        if not desk.is_open and not scope["path"].startswith(FREE):
            known = desk.sessions.find(request.cookies.get(desk.sessions.cookie)) is not None
            if not known and not _bears(request.headers.get("authorization"), desk):
                asked = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""), safe="")
                await RedirectResponse(f"/login?next={asked}", 303)(scope, receive, headed)
                return
        await app(scope, receive, headed)

    return ask


def is_own(origin: str | None, site: str | None, host: str) -> bool:
    """Tell whether a browser says that a form was sent from a page of this server, as far as it says anything."""
    if origin is not None:
        return origin.partition("://")[2] == host
    return site in (None, "same-origin")


def _bears(said: str | None, desk: Desk) -> bool:
    """Tell whether a program that reads pages as JSON bears a token (RFC 6750); what changes something takes none of these."""
    scheme, _, token = (said or "").partition(" ")
    return scheme.lower() == "bearer" and desk.tokens.allow(token.strip())


def _headed(send: Send) -> Send:
    """Return what sends an answer with the headers that it lacks."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            has = {name for name, _ in message["headers"]}
            more = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in has]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return sent


def _host(said: str) -> str:
    """Return a host without its port."""
    host, _, port = said.rpartition(":")
    return (host if host and port.isdecimal() else said).lower()
