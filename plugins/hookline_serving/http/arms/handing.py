"""What goes between a server and the process that asks a version in the shadow: requests one way, counts the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ..exchange import Question

HEAD_BYTES = 4
"""Before each message, how many bytes it has."""


class Edges(msgspec.Struct, array_like=True):
    """The first message: how answers are counted, so that they can be held against those of the version in charge."""

    edges: tuple[float, ...]
    labels: tuple[str, ...]


class Handed(msgspec.Struct, array_like=True):
    """A request that was answered, as it came."""

    of: Sequence[str]
    """The ids of its answers."""
    keys: Sequence[str | None]
    request: str | None
    rows: msgspec.Raw
    """A JSON array."""


class Report(msgspec.Struct):
    """What became of requests since the last report, a line of JSON."""

    taken: int
    """Of those that were handed over; more than were answered or failed where some could not be recorded."""
    requests: int
    errors: int
    latency: Sequence[int]
    answers: Sequence[int]


_encoder = msgspec.json.Encoder()
_edges = msgspec.json.Decoder(Edges)
_handed = msgspec.json.Decoder(Handed)


def framed(messages: Iterable[Any]) -> bytes:
    """Return messages as they are sent."""
    bodies = [*map(_encoder.encode, messages)]
    return b"".join([part for body in bodies for part in (len(body).to_bytes(HEAD_BYTES, "big"), body)])


def handed(question: Question, of: Sequence[str]) -> Handed:
    """Return a request to hand over. of: the ids of its answers"""
    return Handed(of, question.keys, question.request, msgspec.Raw(_encoder.encode(question.sent or question.rows)))


def read_edges(body: bytes) -> Edges:
    """Return what the first message says."""
    return _edges.decode(body)


def read_handed(body: bytes) -> Handed:
    """Return what any other message says."""
    return _handed.decode(body)


def cut(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the messages that are whole, and what is left."""
    found, at = list[bytes](), 0
    while at + HEAD_BYTES <= len(data):
        start = at + HEAD_BYTES
        end = start + int.from_bytes(data[at:start], "big")
        if end > len(data):
            break
        found.append(data[start:end])
        at = end
    return found, data[at:]
