"""Requests of many rows, read, predicted and encoded some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from .exchange import Item, Question
from .reading.cutting import Body, Piece, bodies_of, cut_rows, placed
from .reading.faults import MOST_COUNTED, BadRequest, BadRows, RowProblem
from .rows import Waits

if TYPE_CHECKING:
    from .arms.traffic import Traffic

T = TypeVar("T")
MOST_BYTES_AT_ONCE = 16 * 1024
"""Largest body that the loop itself reads, which takes no longer than answering a few rows does."""
MOST_PATTERN_BYTES = 1024
"""The same where a contract has a regular expression, of which each text may take a while."""
HEAVY_BYTES = 1024 * 1024
"""Bodies above are read one after the other."""
ROWS_AT_ONCE = 1_000


async def predict(traffic: Traffic, body: Body, request: str | None = None) -> bytes:
    """Answer `/predict`; raises what `replies.told` tells. request: what whoever asks calls it."""
    if len(body) > HEAVY_BYTES:
        async with traffic.live.room.heavy:
            return await _predict_in_parts(traffic, body, request)
    if is_many(traffic, body):
        return await _predict_in_parts(traffic, body, request)
    try:
        question = question_of(traffic, body, request)
    except Waits:
        return await _predict_in_parts(traffic, body, request)
    return encoded(traffic, await traffic.answer(question))


def is_many(traffic: Traffic, body: Body) -> bool:
    """Tell whether a body is too large to be read on the loop."""
    return len(body) > (MOST_PATTERN_BYTES if traffic.live.answerer.reader.asks_patterns else MOST_BYTES_AT_ONCE)


def at_once(traffic: Traffic, body: Body) -> bool:
    """Tell whether the loop itself may read a body that is not one of `/predict`, without being kept waiting."""
    return len(body) <= MOST_BYTES_AT_ONCE and not traffic.live.answerer.reader.waits


def question_of(traffic: Traffic, body: Body, request: str | None) -> Question:
    """Return what a body asks, without waiting; raises as `Reader.read_body` does. request: what whoever asks calls it"""
    question = traffic.live.answerer.reader.read_body(body, at_once=True)
    return question if request is None else msgspec.structs.replace(question, request=request)


def encoded(traffic: Traffic, items: Sequence[Item]) -> bytes:
    """Return what `/predict` answers."""
    said = {"model": traffic.live.info["model"], "version": traffic.version_of(items), "predictions": items}
    return msgspec.json.encode(said)


async def _predict_in_parts(traffic: Traffic, body: Body, request: str | None) -> bytes:
    versions: set[int | None] = set()
    parts = b",".join(await traffic.live.room.in_turns(_encoded_parts(traffic, body, request, versions)))
    version = next(iter(versions)) if len(versions) == 1 else None
    said = {"model": traffic.live.info["model"], "version": version, "predictions": msgspec.Raw(b"[")}
    return b"%b%b]}" % (msgspec.json.encode(said)[:-1], parts)


def _encoded_parts(traffic: Traffic, body: Body, request: str | None, versions: set[int | None]) -> Iterator[bytes]:
    """Yield the answers for a body's rows, some at a time, as a part of a JSON array, and say who answered."""
    pieces, head = cut_rows(body, traffic.live.room.bounds.rows)
    reader = traffic.live.answerer.reader

    def read(part: tuple[Piece, bytes]) -> Question:
        try:
            question = reader.read_body(part[1])
        except BadRequest as error:
            raise BadRequest(placed(str(error), part[0], head, body)) from None
        return question if request is None else msgspec.structs.replace(question, request=request)

    parts = ((piece.before, (piece, text)) for piece, text in bodies_of(body, pieces, head))
    for items in traffic.answer_parts(questions(read, parts)):
        versions.add(traffic.version_of(items))
        yield msgspec.json.encode(items)[1:-1]


def questions(read: Callable[[T], Question], parts: Iterable[tuple[int, T]]) -> Iterator[Question]:
    """Yield what parts of a request ask. parts: with the number of rows before each. Raises BadRows with the problems of all."""
    problems: list[RowProblem] = []
    for before, part in parts:
        try:
            question = read(part)
        except BadRows as error:
            problems += [replace(problem, row=before + problem.row) for problem in error.problems]
            if len(problems) > MOST_COUNTED:
                break
            continue
        if not problems:
            yield question
    if problems:
        raise BadRows(problems)
