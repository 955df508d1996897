"""What an Arrow IPC stream takes once it is unpacked, told by its messages before any of it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .cutting import Body
from .faults import BadRequest

CONTINUED = 0xFFFFFFFF
DICTIONARY, BATCH = 2, 3
"""Kinds of messages that hold values (Arrow columnar format, `Message.fbs`)."""
WIDEST = 16
"""Bytes of a value of the widest type; texts and binary values lie in buffers of their own."""


def unpacked_bytes(body: Body) -> int:
    """Return how many bytes the compressed parts of an Arrow IPC stream are unpacked to at most; raises BadRequest.

    Each such buffer begins with its size, and a reader takes as much room as that and the number of values say.
    """
    try:
        return sum(_of(message, values) for message, values in _messages(memoryview(body)))
    except (struct.error, IndexError):
        raise BadRequest("the body is not an Arrow IPC stream: a message is cut off") from None


def values_in(body: Body) -> int:
    """Return how many values an Arrow IPC stream has, those within lists too; raises BadRequest.

    Each is at least a pointer once rows are made of them, also where it takes nothing in the stream, as one that is missing.
    """
    try:
        return sum(_values(message) for message, _ in _messages(memoryview(body)))
    except (struct.error, IndexError):
        raise BadRequest("the body is not an Arrow IPC stream: a message is cut off") from None


def _messages(body: memoryview) -> Iterator[tuple[memoryview, memoryview]]:
    """Yield the metadata of each message of a stream, and the buffers that it tells of."""
    at = 0
    while at + 4 <= len(body):
        size, at = _number("I", body, at), at + 4
        if size == CONTINUED:
            size, at = _number("I", body, at), at + 4
        if size == 0:
            return
        message = body[at : at + size]
        place = _field(message, _start(message, 0), 3)
        length = 0 if place is None else _number("q", message, place)
        if length < 0:
            raise BadRequest("the body is not an Arrow IPC stream: a message has a negative size")
        yield message, body[at + size : at + size + length]
        at += size + length


def _of(message: memoryview, values: memoryview) -> int:
    batch = _batch(message)
    if batch is None or _field(message, batch, 3) is None:
        return 0
    sizes = (_declared(values, start, length) for start, length in _pairs(message, batch, 2))
    return sum(sizes) + WIDEST * _values(message)


def _batch(message: memoryview) -> int | None:
    """Return where a message tells of a batch of values; None where it tells of none."""
    table = _start(message, 0)
    kind, header = _field(message, table, 1), _field(message, table, 2)
    if kind is None or header is None or message[kind] not in (DICTIONARY, BATCH):
        return None
    if message[kind] == BATCH:
        return _start(message, header)
    held = _field(message, _start(message, header), 1)
    return None if held is None else _start(message, held)


def _values(message: memoryview) -> int:
    batch = _batch(message)
    return 0 if batch is None else sum(max(count, 0) for count, _ in _pairs(message, batch, 1))


def _declared(values: memoryview, start: int, length: int) -> int:
    """Return the size that stands before a compressed buffer; -1 there means that it is as it is."""
    return max(_number("q", values, start), length) if start >= 0 and length >= 8 else 0


def _pairs(message: memoryview, table: int, field: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs of a vector: of buffers where each begins and its length, of nodes how many values and nulls."""
    place = _field(message, table, field)
    if place is None:
        return
    start = _start(message, place)
    for i in range(_number("I", message, start)):
        yield struct.unpack_from("<qq", message, start + 4 + 16 * i)


def _start(message: memoryview, place: int) -> int:
    return place + _number("I", message, place)


def _field(message: memoryview, table: int, number: int) -> int | None:
    """Return where a field of a table of a flatbuffer stands, None where it has it not."""
    fields = table - _number("i", message, table)
    if fields < 0 or 4 + 2 * number >= _number("H", message, fields):
        return None
    offset = _number("H", message, fields + 4 + 2 * number)
    return table + offset if offset else None


def _number(kind: str, message: memoryview, place: int) -> int:
    number: int = struct.unpack_from("<" + kind, message, place)[0]
    return number
