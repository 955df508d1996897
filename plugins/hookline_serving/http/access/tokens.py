"""Bearer tokens (RFC 6750), asked of each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..replies import failure, send_answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from hookline.live.serving.tokens import Tokens

OPEN = frozenset({"/health", "/ready", "/metrics", "/v2/health/live", "/v2/health/ready"})
"""What is answered without a token: whoever watches a server need not be able to ask it."""
SCHEME = b"bearer"


def guarded(app: ASGIApp, tokens: Tokens | None) -> ASGIApp:
    """Return an application that answers only who has a token, but for the paths in OPEN; None: the same as it was."""
    if tokens is None:
        return app

    async def ask(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN:
            await app(scope, receive, send)
            return
        if lets_in(tokens, scope):
            await app(scope, receive, send)
            return
        given = _given(scope)
        said = "there is no such token" if given is not None else "send a token: `Authorization: Bearer ...`"
        why = b'Bearer realm="hookline"' + (b', error="invalid_token"' if given is not None else b"")
        await send_answer(send, failure(401, said)._replace(headers=[(b"www-authenticate", why)]))

    return ask


def lets_in(tokens: Tokens, scope: Scope) -> bool:
    """Tell whether a request has one of the tokens."""
    given = _given(scope)
    return given is not None and tokens.allow(given)


def _given(scope: Scope) -> bytes | None:
    """Return the token of a request; None where it has none, or not exactly one."""
    said: list[bytes] = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(said) != 1:
        return None
    scheme, _, token = said[0].partition(b" ")
    return token.strip() if scheme.lower() == SCHEME and token.strip() else None
