"""How a large body is cut: into pieces that come to the same rows, and in a time that goes by its length alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline_serving.http.reading import cutting
from hookline_serving.http.reading.cutting import MOST_ROW_BYTES, bodies_of, cut_rows, values_in
from hookline_serving.http.reading.faults import BadRequest, TooLarge

MIB = 1024 * 1024
MANY = 10**9
TEXTS = st.text(st.sampled_from('ab"\\,{}[]:é\n')) | st.sampled_from(["},", '"rows":[', "],[", "},{"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), min_size=1, max_size=30)


@contextmanager
def small_pieces() -> Iterator[None]:
    """Cut at every few rows, so that short bodies are cut too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "WHOLE_BYTES", 64)
        patch.setattr(cutting, "PIECE_BYTES", 64)
        yield


def rows_of(body: bytes) -> list[Any]:
    pieces, head = cut_rows(body, MANY)
    found: list[Any] = []
    for piece, text in bodies_of(body, pieces, head):
        assert piece.before == len(found)
        read = msgspec.json.decode(text)
        found += read if isinstance(read, list) else read["rows"]
    return found


@settings(max_examples=40, deadline=None)
@given(ROWS, st.sampled_from([None, 1]), st.booleans())
def test_pieces_come_to_the_rows_of_the_whole(rows: list[Any], indent: int | None, ascii_only: bool) -> None:
    for body in (rows, {"rows": rows}, {"id": {"rows": [], "z": '"rows":['}, "rows": rows, "t": [1, {"a": [2]}]}):
        with small_pieces():
            assert rows_of(json.dumps(body, indent=indent, ensure_ascii=ascii_only).encode()) == rows


@settings(max_examples=40, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=60), st.sampled_from([None, 1]))
def test_pieces_of_a_tensor_come_to_its_values(values: list[Any], indent: int | None) -> None:
    with small_pieces():
        assert values_in(json.dumps(values, indent=indent).encode(), MANY) == values


def test_a_body_of_many_rows_is_cut_into_small_ones() -> None:
    body = json.dumps({"rows": [{"x": 1.5, "y": "a"}] * 20_000}).encode()
    pieces, head = cut_rows(body, MANY)
    assert len(pieces) > 5
    assert max(len(text) for _, text in bodies_of(body, pieces, head)) < 2 * cutting.PIECE_BYTES


HOSTILE = {
    "empty rows": b'{"rows":[' + b"{}," * 9 * MIB + b"{}]}",
    "lists": b"[" + b"[]," * 9 * MIB + b"[]]",
    "white space": b" " * 30 * MIB,
    "a row of lists": b'[{"a":[' + b"[]," * 9 * MIB + b"1]}]",
    "a row of rows": b'[{"a":[' + b"{}," * 9 * MIB + b"{}]}]",
    "a text like rows": b'[{"a":"' + b"},{" * 9 * MIB + b'"}]',
    "deep": b'[{"a":' + b"[" * 30 * MIB,
    "columns": b"[{" + b",".join(b'"c%d":1' % number for number in range(100_000)) + b"}]",
    "rows in rows": b'{"a":[' + b'{"rows":[]},' * 9 * MIB + b"1]}",
    "texts in a text": b'{"a":"' + b'\\"' * 15 * MIB,
    "no end": b'{"rows":[{"a":1},' * 2 * MIB,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_body_that_would_take_much_memory_is_refused_before_it_is_built(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Spent(cutting.ELEMENTS)
    monkeypatch.setattr(cutting, "ELEMENTS", read)
    with pytest.raises((TooLarge, BadRequest)):
        cut_rows(body, 50_000)
    assert read.bytes < MIB


class Spent:
    """A decoder that counts the bytes that it reads."""

    def __init__(self, decoder: Any) -> None:
        self.decoder, self.bytes = decoder, 0

    def decode(self, body: bytes) -> Any:
        self.bytes += len(body)
        return self.decoder.decode(body)


def test_rows_are_counted_before_any_is_read() -> None:
    with pytest.raises(TooLarge, match="holds more than 50,000 rows; send fewer at a time"):
        cut_rows(HOSTILE["empty rows"], 50_000)


def test_a_row_may_be_large_and_not_larger() -> None:
    row = {"a": ["},{"] * 1000, "b": "x" * (MOST_ROW_BYTES - 8_000)}
    body = json.dumps({"rows": [row] * 3}).encode()
    assert rows_of(body) == [row] * 3
    with pytest.raises(TooLarge, match="what begins at byte 10 is larger than 128 KiB"):
        cut_rows(body.replace(b"xx", b"xxx"), MANY)


@pytest.mark.parametrize("body", [b"[1, 2]", b"33", b"[[]]"])
def test_a_large_body_without_rows_is_no_good_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        rows_of(body[:-1] + b" " * cutting.WHOLE_BYTES * 3 + body[-1:])


@pytest.mark.parametrize("name", ["rows in rows", "texts in a text"])
def test_a_head_is_looked_for_in_one_pass(name: str) -> None:
    begun = time.process_time()
    with pytest.raises((TooLarge, BadRequest)):
        cut_rows(HOSTILE[name], MANY)
    # It takes some milliseconds; a pass for each of what could be rows took ten seconds.
    assert time.process_time() - begun < 1
