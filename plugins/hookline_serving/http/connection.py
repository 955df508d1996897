"""uvicorn's own connection to a client, but that it reads and waits within bounds, and sends answers whole."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any, Literal, NamedTuple, cast

import httptools
import msgspec
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from .clients.bounds import CLIENT, MIB
from .clients.direct import Direct
from .clients.door import Door
from .clients.turns import MUCH
from .clients.writing import PatientFlow, WholeAnswers
from .replies import Answer, fields_of, headers_of

MOST_PARSED = 2 * 1024
"""Bytes that are parsed at a time: all requests in them are taken before the first is answered."""
MOST_HEAD_BYTES = 64 * 1024
MOST_FIELDS = 256
"""Of a head of some length: each of them takes longer than the rest of a small request."""
INVALID = "Invalid HTTP request received."
LAG_SECONDS = 1.0
"""How long a client that holds room may get on by less than 1 MiB of a body, or nothing of an answer, and not lose the room."""


class Wait(NamedTuple):
    """What a client keeps the server waiting for; two waits of one client are the same where `since` is and `left`."""

    kind: Literal["idle", "head", "rest", "body", "answer"]
    since: object
    left: int = 0
    """Bytes of answers that the client has not taken."""


class Connection(HttpToolsProtocol):
    """A connection that reads no further while requests wait in it, and that the door may close."""

    def __init__(self, door: Door, direct: Direct | None = None, **given: Any) -> None:
        super().__init__(**given)
        self._door, self._direct = door, direct
        self._held: RequestResponseCycle | None = None
        """Of a request that may be answered directly, once its body is here."""
        self._unparsed = b""
        self._is_held_back = False
        self._untaken = 0
        self._has_sent = False
        """Whether anything came since the last answer was whole."""
        self._body_bytes = 0
        self._got_on = 0.0
        self._is_in_line = False
        self.leaves = False
        """Whether the client is asked to come back on another connection with its next answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with the transport, or refuse to."""
        self._writer = WholeAnswers(cast("asyncio.Transport", transport), self.loop)
        super().connection_made(cast("asyncio.Transport", self._writer))
        self.flow = PatientFlow(self, cast("asyncio.Transport", self._writer))
        if not self._door.admit(self):
            self.app, self._direct = cast("Any", self._door.full), None

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        self._door.leave(self)
        self._unparsed = b""
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, as far as no request in it must wait for another."""
        size = len(data)
        if not self._unparsed and size <= MOST_PARSED:
            self._feed(data)
            return
        self._unparsed += data
        self._parse()
        if size > MUCH and not self.transport.is_closing():
            self._wait_in_line()

    def on_headers_complete(self) -> None:
        """Begin to answer what has a whole head, unless it is to be read again."""
        if self.parser.should_upgrade():
            return
        self._untaken, self._body_bytes, self._got_on = 0, 0, time.monotonic()
        self.scope["extensions"] = cast("Any", {CLIENT: self})
        super().on_headers_complete()
        # Not where requests wait behind one another, of which those behind would be lost.
        if self.leaves and not self.pipeline:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a part of a request's body."""
        self._untaken = 0
        got, self._body_bytes = self._body_bytes, self._body_bytes + len(body)
        if self._body_bytes // MIB > got // MIB:
            self._got_on = time.monotonic()
        super().on_body(body)
        held = self._held
        if held is not None and self._direct is not None and self._body_bytes > self._direct.most:
            self._held = None
            super()._start_asgi_task(held, self.app)

    def on_message_complete(self) -> None:
        """Take the end of a request's body."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        held, self._held = self._held, None
        if held is not None:
            self._answer(held)

    def on_response_complete(self) -> None:
        """Go on with what has come meanwhile; a client that sends nothing more is closed by the door."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._has_sent = False
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if self._unparsed:
            self.loop.call_soon(self._parse)

    def holds_more(self) -> bool:
        """Tell whether there are requests of this client that wait for the one that is being answered."""
        return bool(self.pipeline or self._unparsed)

    def is_held_back(self) -> bool:
        """Tell whether no more is read of this client: its requests wait for another one, or it for its turn."""
        return self._is_in_line or self.holds_more()

    def go_on(self) -> None:
        """Read on, now that it is this client's turn, but for what the application has still to take."""
        self._is_in_line = False
        if self.cycle is None or self.cycle.response_complete or len(self.cycle.body) <= HIGH_WATER_LIMIT:
            self.flow.resume_reading()

    def lags(self) -> bool:
        """Tell whether the client has long sent next to nothing of a body, or taken nothing of an answer."""
        wait = None if self._is_in_line else self.waits()
        if wait is not None and wait.kind == "body":
            return time.monotonic() - self._got_on > LAG_SECONDS
        return wait is not None and wait.kind == "answer" and self._door.waited(self, wait) > LAG_SECONDS

    def give_way(self) -> None:
        """End a wait that others pay for, since nothing else can be held meanwhile."""
        wait = self.waits()
        if wait is not None and wait.kind == "body":
            self.refuse(408, "the body of the request came too slowly, and its room was given to others")
        else:
            self.transport.abort()

    def waits(self) -> Wait | None:
        """Return what the client is waited for, None where it waits itself."""
        cycle, left = self.cycle, self.transport.get_write_buffer_size()
        # A transport that is closing waits for its last byte to be taken, however long that is.
        if self.flow.write_paused or self.transport.is_closing():
            return Wait("answer", cycle, left)
        if self.holds_more():
            return None
        if cycle is not None and not cycle.response_complete:
            return Wait("body", cycle) if cycle.more_body else None
        if self._in_head() or cycle is None:
            return Wait("head", self.scope)
        if self._has_sent:
            return Wait("rest", cycle)
        return Wait("answer", cycle, left) if left else Wait("idle", cycle)

    def expire(self, kind: str) -> None:
        """End a wait that took too long."""
        if kind == "body" or (kind == "head" and self.scope is not None):
            self.refuse(408, f"the {kind} of the request took too long")
        elif kind == "answer":
            self.transport.abort()
        else:
            self.transport.close()

    def refuse(self, status: int, message: str) -> None:
        """Answer with an error, and close."""
        if self.transport.is_closing():
            return
        body = msgspec.json.encode({"error": message})
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self.refuse(400, msg)

    def _wait_in_line(self) -> None:
        self._is_in_line = True
        self.flow.pause_reading()
        self._door.turns.queue(self, rest=self.cycle is not None and self.cycle.response_complete)

    def _in_head(self) -> bool:
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def _feed(self, data: bytes) -> None:
        """Parse, unless a head, or what stands around the parts of a body, does not come to an end."""
        self._untaken += len(data)
        self._has_sent = True
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as asked:
            self._feed_plain(data[asked.args[0] :])
        except httptools.HttpParserError:
            self.logger.warning(INVALID)
            self.send_400_response(INVALID)
        if self._untaken > MOST_HEAD_BYTES:
            self.refuse(431, f"the head of the request is larger than {MOST_HEAD_BYTES // 1024} KiB")

    def _feed_plain(self, rest: bytes) -> None:
        """Parse a request to go on in another protocol as one that is answered in this (RFC 9110, 7.8), and what follows.

        The parser takes no body of such a request, so that one that says nothing of it has to read it again.
        """
        if self.parser.get_method() == b"CONNECT":
            self.refuse(400, "this server is no proxy")
            return
        head = self._plain_head()
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(head + rest)

    def _plain_head(self) -> bytes:
        """Return the head that was read, without what it says of another protocol."""
        version = self.parser.get_http_version().encode()
        fields = [b"%b: %b\r\n" % (name, value) for name, value in self.headers if name != b"upgrade"]
        return b"%b %b HTTP/%b\r\n%b\r\n" % (self.parser.get_method(), self.url, version, b"".join(fields))

    def _parse(self) -> None:
        at, data = 0, self._unparsed
        while at < len(data) and not self.pipeline and not self.transport.is_closing():
            size = max(MOST_PARSED, self._body_left())
            self._feed(data[at : at + size])
            at += size
            if self.headers is not None and len(self.headers) > MOST_FIELDS:
                self.refuse(431, f"the head of the request has more than {MOST_FIELDS} fields")
        self._unparsed = data[at:]
        if self._unparsed:
            self._is_held_back = True
            self.flow.pause_reading()
        elif self._is_held_back:
            self._is_held_back = False
            self.flow.resume_reading()

    def _body_left(self) -> int:
        """Return how many bytes belong to the body that has begun and to nothing else, as far as is known."""
        if self._in_head() or self.cycle is None or not self.cycle.more_body:
            return 0
        declared = next((value for name, value in self.scope["headers"] if name == b"content-length"), b"0")
        return int(declared) - self._body_bytes

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin to answer a request: directly where that can be, once its body is here, else by the application."""
        scope: Any = cycle.scope
        if self._direct is None or not self._direct.takes(scope):
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body:
            self._held = cycle
            # Of one that waited behind another, the rest of the body was not read meanwhile.
            self.flow.resume_reading()
        else:
            self.loop.call_soon(self._answer, cycle)

    def _answer(self, cycle: RequestResponseCycle) -> None:
        assert self._direct is not None
        scope: Any = cycle.scope
        if not self._direct.answer(scope, cycle.body, partial(self._reply, cycle)):
            super()._start_asgi_task(cycle, self.app)

    def _reply(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        """Write an answer at once, unless it is large, or the client has not taken the one before."""
        assert self._direct is not None
        if cycle.disconnected:
            return
        if self.flow.write_paused or len(answer.body) > self._direct.most:
            super()._start_asgi_task(cycle, cast("Any", self._direct.sending(answer)))
            return
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        fields = fields_of([*self.server_state.default_headers, *headers_of(answer)])
        self._writer.write_whole(b"%b%b%b\r\n%b" % (STATUS_LINE[answer.status], fields, close, answer.body))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
