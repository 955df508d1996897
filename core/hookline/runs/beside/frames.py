"""Messages between a run and the process beside it: bytes with their length before them, through a pipe."""

from __future__ import annotations

import struct
from typing import IO

_LENGTH = struct.Struct(">Q")


def send(pipe: IO[bytes], content: bytes) -> None:
    """Write one message; raises OSError where nobody reads any more."""
    left = memoryview(_LENGTH.pack(len(content)) + content)
    while left:
        # A pipe without a buffer takes less where a signal comes between.
        left = left[pipe.write(left) :]
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes | None:
    """Read one message; None where the other side is gone, even in the midst of one."""
    head = _read(pipe, _LENGTH.size)
    return None if head is None else _read(pipe, *_LENGTH.unpack(head))


def _read(pipe: IO[bytes], length: int) -> bytes | None:
    found = bytearray()
    while len(found) < length:
        part = pipe.read(length - len(found))
        if not part:
            return None
        found += part
    return bytes(found)
