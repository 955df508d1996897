"""What a route is asked with a body, and what it answers with, where that need not be JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..clients.receiving import receive_body
from ..inference_protocol import service_asked
from ..reading.cutting import Body
from ..replies import Reply, answered, send_answer
from ..watching.tracing import seen_by

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from ..arms.desk import Desk
    from ..arms.traffic import Traffic

MOST_LETTERS = 128
"""Of what whoever asks calls a request."""


class Asked(NamedTuple):
    """A body, with what its headers say."""

    body: Body
    headers: Headers
    request: str | None
    """What whoever asks calls the request."""

    @property
    def media(self) -> str:
        """The media type of the body, without its parameters."""
        return media_of(self.headers.get("content-type", ""))


Act = Callable[["Traffic", Asked], Awaitable[Reply]]
"""Answers a body."""


class Guarded:
    """A route that takes a body, within the bounds, as an ASGI application."""

    def __init__(self, desk: Desk, act: Act) -> None:
        self._desk, self._act = desk, act

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        try:
            await self._answer(scope, receive, send)
        except HTTPException as error:
            self._desk.refuse(scope["path"], error.status_code)
            raise

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        room = self._desk.room
        service_asked(scope["path_params"], self._desk.traffic)
        with room.held.account() as account:
            body = await receive_body(Request(scope, receive), room.bounds, account)
            traffic = self._desk.traffic
            if "version" in scope["path_params"]:
                traffic = traffic.only(service_asked(scope["path_params"], traffic))
            answer = await answered(self._act(seen_by(traffic), Asked(body, Headers(scope=scope), called(scope))))
            if not answer.is_counted:
                self._desk.refuse(scope["path"], answer.status)
            # What the client takes its time over is held, too.
            del body
            account.settle(len(answer.body))
            await send_answer(send, answer)


def called(scope: Scope) -> str | None:
    """Return what whoever asks calls a request: the header `X-Request-ID`."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return str(value[:MOST_LETTERS], "latin-1")
    return None


def media_of(header: str) -> str:
    """Return a media type without its parameters."""
    return header.partition(";")[0].strip().lower()
