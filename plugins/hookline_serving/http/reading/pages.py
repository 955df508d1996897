"""What a Parquet file takes once it is unpacked, told by its footer and the heads of its pages before any of it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .cutting import Body
from .faults import BadRequest
from .thrift import Compact, Malformed

MARK = b"PAR1"
TAIL = 8
"""Bytes of the footer's length and the mark behind it."""
DICTIONARY = 2
"""The kind of page that holds each value once (`parquet.thrift`, `PageType`)."""
SHARED_BEGINNINGS = 7
"""The encoding in which a value is said by how much of the one before it begins with (`DELTA_BYTE_ARRAY`)."""
HEADS = {5: 2, 7: 2, 8: 4}
"""Fields of a page's head that tell of data, a dictionary, or data of the second version -> where there the encoding stands."""
LEAST = 8
"""Bytes of a value in memory, at least."""


class Size(NamedTuple):
    """What a file tells of itself."""

    rows: int
    bytes: int


def size_of(body: Body) -> Size:
    """Return how many rows a Parquet file has, and how many bytes it takes at least once it is unpacked; raises BadRequest.

    A page says what it is unpacked to, and how many values it has, of which a few bytes may tell any number. Those of each
    column are counted, since columns may share pages.
    """
    try:
        footer = _footer(body)
        widest = max((one.get(2) or 0 for one in footer[2]), default=0)
        held, values = 0, 0
        for chunk in _chunks(footer):
            for page in _pages(body, chunk):
                held, values = held + page[2], values + values_of(page)
        return Size(footer[3], max(held, values * max(LEAST, widest)))
    except (Malformed, IndexError, KeyError, TypeError):
        raise BadRequest("the body is not a Parquet file: what it tells of itself is cut off") from None


def _footer(body: Body) -> dict[int, Any]:
    length = int.from_bytes(body[-TAIL:-4], "little")
    if bytes(body[-4:]) != MARK or length > len(body) - TAIL:
        raise Malformed
    return Compact(body, len(body) - TAIL - length).struct()


def _chunks(footer: Mapping[int, Any]) -> Iterator[Mapping[int, Any]]:
    """Yield what is told of the pages of each column, in each group of rows."""
    for group in footer[4]:
        yield from (column[3] for column in group[1])


def _pages(body: Body, chunk: Mapping[int, Any]) -> Iterator[Mapping[int, Any]]:
    """Yield the heads of a column's pages, up to its last value."""
    place = chunk.get(11) or chunk[9]
    end, left = place + chunk[7], chunk[5]
    while left > 0 and place < end:
        compact = Compact(body, place)
        page = compact.struct()
        if min(page[2], page[3]) < 0:
            raise Malformed
        yield page
        left -= 0 if page[1] == DICTIONARY else values_of(page)
        place = compact.place + page[3]


def values_of(page: Mapping[int, Any]) -> int:
    """Return how many values a page has; raises BadRequest where nobody can tell how long they are."""
    told = 0
    for field, encoding in HEADS.items():
        head = page.get(field, {})
        if head.get(encoding) == SHARED_BEGINNINGS:
            raise BadRequest("a column is encoded as DELTA_BYTE_ARRAY, which is not read; write it another way")
        told += max(head.get(1, 0), 0)
    return told
