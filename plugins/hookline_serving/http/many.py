"""Requests of many rows, read, predicted and encoded some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from .exchange import Question
from .reading.cutting import Body, Piece, bodies_of, cut_rows, placed
from .reading.faults import MOST_COUNTED, BadRequest, BadRows, RowProblem

if TYPE_CHECKING:
    from .service import Service

T = TypeVar("T")
MOST_BYTES_AT_ONCE = 16 * 1024
"""Largest body that the loop itself reads, which takes no longer than answering a few rows does."""
MOST_PATTERN_BYTES = 1024
"""The same where a contract has a regular expression, of which each text may take a while."""
HEAVY_BYTES = 1024 * 1024
"""Bodies above are read one after the other."""
ROWS_AT_ONCE = 1_000


async def predict(service: Service, body: Body) -> bytes:
    """Answer `/predict`; raises what `replies.told` tells."""
    if len(body) > HEAVY_BYTES:
        async with service.heavy:
            return await _predict_in_parts(service, body)
    if len(body) > (MOST_PATTERN_BYTES if service.answerer.reader.asks_patterns else MOST_BYTES_AT_ONCE):
        return await _predict_in_parts(service, body)
    items = await service.answer(service.answerer.reader.read_body(body))
    info = service.info
    return msgspec.json.encode({"model": info["model"], "version": info["version"], "predictions": items})


async def _predict_in_parts(service: Service, body: Body) -> bytes:
    said = {"model": service.info["model"], "version": service.info["version"], "predictions": msgspec.Raw(b"[")}
    parts = b",".join(await service.in_turns(_encoded(service, body)))
    return b"%b%b]}" % (msgspec.json.encode(said)[:-1], parts)


def _encoded(service: Service, body: Body) -> Iterator[bytes]:
    """Yield the answers for a body's rows, some at a time, as a part of a JSON array."""
    pieces, head = cut_rows(body, service.bounds.rows)
    reader = service.answerer.reader

    def read(part: tuple[Piece, bytes]) -> Question:
        try:
            return reader.read_body(part[1])
        except BadRequest as error:
            raise BadRequest(placed(str(error), part[0], head, body)) from None

    parts = ((piece.before, (piece, text)) for piece, text in bodies_of(body, pieces, head))
    for items in service.answerer.answer_parts(questions(read, parts)):
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
