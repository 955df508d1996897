"""`POST /labels`: what turned out to be true of answers, by their ids."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.exceptions import HTTPException

from hookline.errors import StoreError, UnknownName

from ..reading.cutting import check_count
from ..replies import Reply
from ..rows import decoded, rows_of
from .asked import Act, Asked
from .batches import check_size

if TYPE_CHECKING:
    from ..arms.desk import Desk
    from ..arms.traffic import Traffic


def labels(desk: Desk) -> Act:
    """Return what takes labels in: in a thread, since the catalog may wait for another's write, and one body at a time."""
    one = asyncio.Semaphore(1)

    async def answer(traffic: Traffic, asked: Asked) -> Reply:
        check_size(traffic, asked.body)
        async with one:
            return Reply(await asyncio.to_thread(_added, desk, asked))

    return answer


def _added(desk: Desk, asked: Asked) -> bytes:
    rows = rows_of(decoded(asked.body))
    check_count(len(rows), desk.room.bounds.rows)
    model = desk.traffic.live.info["model"]
    if desk.fleet is None:
        raise HTTPException(404, f"no labels of {model} are kept here")
    try:
        made: dict[str, Any] = dict(desk.fleet.label(rows))
    except UnknownName as error:
        raise HTTPException(404, f"{error.message}; {error.hint}") from None
    except StoreError as error:
        raise HTTPException(503, f"the labels cannot be kept: {error.message}", headers={"retry-after": "1"}) from None
    return msgspec.json.encode({"model": model, **made})
