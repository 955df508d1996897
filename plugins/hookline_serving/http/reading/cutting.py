"""Cuts the JSON of many rows or values into pieces of a few, so that no one step of reading it takes long."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from .faults import BadRequest, TooLarge

WHOLE_BYTES = 64 * 1024
"""Largest body that is read as it is, and most that may stand before the rows of a larger one."""
PIECE_BYTES = 16 * 1024
"""Size of a piece: msgspec, which lets no other thread run meanwhile, reads one in a millisecond whatever it holds."""
MOST_ROW_BYTES = 128 * 1024
"""Largest row of a body that is cut, and largest value of a tensor."""
DEPTH = 12
"""How deep lists and objects may be nested in a row of a body that is cut."""
PLACE = re.compile(r"\(byte (\d+)\)")
OWN_HEAD = b'{"rows":['
NO_ROWS = 'the body must be {"rows": [{"column": value, ...}, ...]}'

Body = bytes | bytearray


class Between(NamedTuple):
    """How elements of an array are told from each other. end: of one, mostly; elements: one or several, with what follows."""

    end: bytes
    elements: re.Pattern[bytes]


class Piece(NamedTuple):
    """Some rows of a body: how many come before them, and where they begin and end."""

    before: int
    start: int
    end: int


def cut_rows(body: Body, most: int) -> tuple[list[Piece], bytes]:
    """Return the pieces of a body's rows, and what stands before the first of them.

    Raises BadRequest for a body that holds no rows, TooLarge where it holds more than `most`, or one that is too large.
    """
    if len(body) <= WHOLE_BYTES:
        return [Piece(0, 0, len(body))], b""
    head = _head(body)
    if head is None:
        return [_lone(body)], b""
    pieces: list[Piece] = []
    rows, start = 0, len(head)
    while start < len(body):
        if LEAD.match(body, start, start + WHOLE_BYTES) is None:
            raise BadRequest(NO_ROWS)
        end, count = _next(ROWS, body, start)
        pieces.append(Piece(rows, start, end - 1 if end < len(body) else end))
        rows += count
        check_count(rows, most)
        start = end
    return pieces, head


def bodies_of(body: Body, pieces: list[Piece], head: bytes) -> Iterator[tuple[Piece, bytes]]:
    """Yield each piece, and its rows as a body of their own."""
    for piece in pieces:
        rows = bytes(body[piece.start : piece.end])
        yield piece, b"%b%b]}" % (OWN_HEAD, rows) if piece.end < len(body) else b"%b%b" % (head, rows)


def placed(message: str, piece: Piece, head: bytes, body: Body) -> str:
    """Return what is said of a piece with its place in the whole body."""
    before = piece.start - len(OWN_HEAD if piece.end < len(body) else head)
    return PLACE.sub(lambda found: f"(byte {before + int(found.group(1))})", message)


def values_in(array: bytes, most: int) -> list[Any]:
    """Return the values of a JSON array, read piece by piece; raises BadRequest, or TooLarge where there are more than `most`."""
    values: list[Any] = []
    start = array.index(b"[") + 1
    while start < len(array):
        end, _ = _next(VALUES, array, start)
        values += msgspec.json.decode(b"[%b]" % array[start : end - 1])
        check_count(len(values), most)
        start = end
    return values


def check_count(rows: int, most: int) -> None:
    """Raise TooLarge where there are more rows than are taken at a time."""
    if rows > most:
        raise TooLarge(f"the body holds more than {most:,} rows; send fewer at a time")


def _next(between: Between, body: Body, start: int) -> tuple[int, int]:
    """Return where a piece ends, behind a comma or with the body, and how many elements are in it; raises TooLarge."""
    end = body.rfind(between.end, start, start + PIECE_BYTES) + len(between.end)
    if end > start:
        try:
            # What JSON means is told from its beginning on: what can be read as a list by itself ends between two elements.
            return end, len(ELEMENTS.decode(b"[%b]" % bytes(body[start : end - 1])))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    return _searched(between.elements, body, start)


def _searched(elements: re.Pattern[bytes], body: Body, start: int) -> tuple[int, int]:
    """Return the same, found by its brackets and texts alone, which takes 30 times as long."""
    end, count = start, 0
    while end < start + PIECE_BYTES:
        found = elements.match(body, end, end + MOST_ROW_BYTES)
        if found is None:
            break
        end, count = found.end(), count + 1
    if count:
        return end, count
    if len(body) - start > MOST_ROW_BYTES:
        raise _too_large(start)
    return len(body), 1


def _head(body: Body) -> bytes | None:
    """Return all that comes before the first row, None where there are no rows but maybe one."""
    bare = BARE_HEAD.match(body, 0, WHOLE_BYTES)
    if bare:
        return bytes(bare.group())
    end = _rows_at(body)
    head = bytes(body[:end])
    return head if end and _ends_in_rows(head) else None


def _rows_at(body: Body) -> int:
    """Return where the rows of an object begin, 0 where it has none, told by its brackets and texts in one pass."""
    depth, at = 0, 0
    while found := TOKEN.match(body, at, WHOLE_BYTES):
        at, kind = found.end(), found.lastgroup
        if kind == "rows" and depth == 1:
            return at
        depth += {"rows": 1, "opening": 1, "closing": -1}.get(kind or "", 0)
    return 0


def _ends_in_rows(head: bytes) -> bool:
    """Tell whether a body's rows begin where this ends, and not those of another object, or a word in a text."""
    try:
        return bool(dict(msgspec.json.decode(head + b"]}"))["rows"] == [])
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _lone(body: Body) -> Piece:
    if len(body) > MOST_ROW_BYTES:
        raise _too_large(0) if LEAD.match(body, 0, WHOLE_BYTES) else BadRequest(NO_ROWS)
    return Piece(0, 0, len(body))


def _too_large(start: int) -> TooLarge:
    return TooLarge(f"what begins at byte {start:,} is larger than {MOST_ROW_BYTES // 1024} KiB, or is no JSON")


def _inside(depth: int, but: str = "") -> str:
    """Return an expression for what stands between two brackets. It never goes back, so it takes a time by length alone."""
    nested = rf"|[\[{{]{_inside(depth - 1)}[\]}}]" if depth else ""
    return rf'(?:[^\[\]{{}}"{but}]++|"(?:[^"\\]++|\\.)*+"{nested})*+'


TOKEN = re.compile(
    rb'[^\[\]{}"]*+(?:(?P<rows>"rows"[ \t\r\n]*+:[ \t\r\n]*+\[)|"(?:[^"\\]++|\\.)*+"|(?P<opening>[\[{])|(?P<closing>[\]}]))',
    re.DOTALL,
)
BARE_HEAD = re.compile(rb"[ \t\r\n]*+\[")
LEAD = re.compile(rb"[ \t\r\n]*+[{\]]")
ROWS = Between(b"},", re.compile(rf"[ \t\r\n]*+\{{{_inside(DEPTH)}\}}[ \t\r\n]*+,".encode(), re.DOTALL))
VALUES = Between(b",", re.compile(rf"(?:{_inside(DEPTH, but=',')},){{1,1000}}+".encode(), re.DOTALL))
ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
