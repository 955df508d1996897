"""Rows of whatever body, answered as the policy says: some at a time in a thread, or at once where they are few."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from ..exchange import Item, Question
from ..many import HEAVY_BYTES, MOST_BYTES_AT_ONCE, questions
from ..reading.faults import TooLarge
from .asked import Asked

if TYPE_CHECKING:
    from ..arms.traffic import Traffic
    from ..service import Room

Rows = Iterable[tuple[int, Sequence[Mapping[str, Any]]]]
"""Rows, some at a time, with how many come before them."""


async def answered(
    traffic: Traffic,
    asked: Asked,
    read: Callable[[], Rows],
    encode: Callable[[list[Item]], bytes],
    weigh: Callable[[], int] | None = None,
) -> bytes:
    """Read, predict, record and encode in turns with others; raises what `replies.told` tells.

    weigh: tells what a body that is packed takes, in bytes, so that of those that take much there is one at a time
    """
    room = traffic.live.room
    steps = _steps(traffic, asked.request, read, encode)
    if max(len(asked.body), await _weight(room, asked.body, weigh)) > HEAVY_BYTES:
        async with room.heavy:
            done = await room.in_turns(steps)
    else:
        done = await room.in_turns(steps)
    return done[-1]


async def _weight(room: Room, body: Sequence[int], weigh: Callable[[], int] | None) -> int:
    if weigh is None:
        return 0
    if len(body) <= MOST_BYTES_AT_ONCE:
        return weigh()
    return await asyncio.get_running_loop().run_in_executor(room.worker, weigh)


def check_size(traffic: Traffic, body: Sequence[int]) -> None:
    """Raise TooLarge for a body of more than is read in one step."""
    most = traffic.live.room.bounds.tensor_bytes
    if len(body) > most:
        raise TooLarge(f"a body of this kind may be of {most // 1024:,} KiB; send fewer rows at a time, or to /predict")


def read_rows(traffic: Traffic, request: str | None, rows: Sequence[Mapping[str, Any]]) -> Question:
    """Return what rows ask of the version in charge; raises BadRows."""
    question = traffic.live.answerer.reader.read(rows)
    return question if request is None else msgspec.structs.replace(question, request=request)


def _steps(
    traffic: Traffic, request: str | None, read: Callable[[], Rows], encode: Callable[[list[Item]], bytes]
) -> Iterator[bytes]:
    """Yield nothing for a while, as each part is answered, and the reply in the end."""
    items: list[Item] = []
    for some in traffic.answer_parts(questions(partial(read_rows, traffic, request), read())):
        items += some
        yield b""
    yield encode(items)
