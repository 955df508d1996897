"""Sends an answer whole: uvicorn writes head and body apart, and each write is a system call that wakes the client."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.auto import AutoHTTPProtocol


class Connection(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # uvicorn chooses the class by what is installed
    """uvicorn's own protocol, on a transport that holds a head until its body follows."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with the transport."""
        whole = WholeAnswers(cast("asyncio.Transport", transport), asyncio.get_running_loop())
        super().connection_made(cast("asyncio.Transport", whole))


class WholeAnswers:
    """A transport that writes the head of an answer together with what comes after it, and is otherwise the one it is given."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head = b""

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

    def close(self) -> None:
        """Close, after what is held was written."""
        self._release()
        self._transport.close()

    def _release(self) -> None:
        if self._head:
            self.write(b"")
