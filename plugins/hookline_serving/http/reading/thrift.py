"""Structures in Thrift's compact protocol, in which a Parquet file tells what it holds: numbers and lists, but no texts."""

from __future__ import annotations

from typing import Any

from .cutting import Body

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
"""Kinds of values (Thrift compact protocol)."""
SIZES = {TRUE: 1, FALSE: 1, BYTE: 1, DOUBLE: 8}
"""Bytes of values that are passed over."""
DEEPEST = 16
"""So far structures may lie in each other; those of Parquet need half of it."""


class Malformed(ValueError):
    """Bytes that are no structure."""


class Compact:
    """Reads structures, one after the other, from a place in bytes; raises Malformed, and IndexError beyond their end."""

    def __init__(self, body: Body, place: int) -> None:
        if place < 0:
            raise Malformed
        self._body, self.place = body, place

    def struct(self, deep: int = 0) -> dict[int, Any]:
        """Return the fields of a structure by their numbers; those that hold texts or doubles as None."""
        if deep > DEEPEST:
            raise Malformed
        found: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            kind = head & 15
            found[number] = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind, deep)
        return found

    def _value(self, kind: int, deep: int) -> Any:
        if kind in (I16, I32, I64):
            return self._signed()
        if kind in (LIST, SET):
            return self._list(deep)
        if kind == STRUCT:
            return self.struct(deep + 1)
        if kind == MAP:
            return self._map(deep)
        size = self._unsigned() if kind == BINARY else SIZES.get(kind)
        if size is None:
            raise Malformed
        self.place += size
        return None

    def _list(self, deep: int) -> list[Any]:
        head = self._byte()
        size = head >> 4 if head >> 4 < 15 else self._unsigned()
        # Each takes a byte at least.
        self._require(size)
        return [self._value(head & 15, deep) for _ in range(size)]

    def _map(self, deep: int) -> None:
        size = self._unsigned()
        self._require(size)
        kinds = self._byte() if size else 0
        for _ in range(size):
            self._value(kinds >> 4, deep)
            self._value(kinds & 15, deep)

    def _require(self, size: int) -> None:
        if size > len(self._body) - self.place:
            raise Malformed

    def _byte(self) -> int:
        value = self._body[self.place]
        self.place += 1
        return value

    def _unsigned(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise Malformed

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
