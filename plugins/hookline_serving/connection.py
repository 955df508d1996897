"""Sends each answer whole: uvicorn writes its head and its body apart, and each write wakes the client and costs a system call."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol


class Connection(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """uvicorn's own protocol, over a transport that holds a head until its body follows."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin with the transport."""
        super().connection_made(_Whole(transport))


class _Whole:
    """A transport to which the head of an answer is written together with what comes next."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write, or hold the head of an answer; an interim one (1xx) has no body that would follow."""
        if not self._head and data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            self._head = data
            return
        self._flush_with(data)

    def close(self) -> None:
        """Close once everything is written."""
        if self._head:
            self._flush_with(b"")
        self._transport.close()

    def _flush_with(self, data: bytes) -> None:
        held, self._head = self._head, b""
        self._transport.write(held + data)
