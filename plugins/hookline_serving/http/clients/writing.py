"""What is written to a client: whole answers, and no more than it takes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.flow_control import FlowControl

if TYPE_CHECKING:
    from ..connection import Connection


class PatientFlow(FlowControl):
    """Flow control that does not read on where the connection is held back."""

    def __init__(self, connection: Connection, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._connection = connection

    def resume_reading(self) -> None:
        """Read on, unless the connection is held back."""
        if self.read_paused and not self._connection.is_held_back():
            super().resume_reading()


class WholeAnswers:
    """A transport that writes the head of an answer together with what comes after it, and is otherwise the one it is given."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head = b""
        # Asked with each request, for which a look through `__getattr__` takes long.
        self.is_closing, self.get_write_buffer_size = transport.is_closing, transport.get_write_buffer_size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write, or hold the head of an answer; an interim one (1xx) is no head, since no body would follow."""
        if not self._head and data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            self._head = data
            # Not every answer has a body, and some bodies come late.
            self._loop.call_soon(self._release)
            return
        held, self._head = self._head, b""
        self._transport.write(held + data)

    def write_whole(self, answer: bytes) -> None:
        """Write an answer with its head."""
        self._transport.write(answer)

    def close(self) -> None:
        """Close, after what is held was written."""
        self._release()
        self._transport.close()

    def _release(self) -> None:
        if self._head:
            self.write(b"")
