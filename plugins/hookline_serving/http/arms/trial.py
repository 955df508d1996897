"""What a client would be answered, on no port and without a server's routes."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from hookline import Predictor
from hookline.errors import DataError, Problem

from ..clients.bounds import Bounds
from ..many import predict
from ..replies import OK, answered
from .desk import desk_of


def answer_rows(predictor: Predictor, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answer one request as a client gets it, through JSON both ways; raises DataError where it is refused."""
    desk = desk_of(predictor, {"model": "model", "version": None, "format": ""}, None, Bounds(rows=len(rows)))
    body = msgspec.json.encode({"rows": rows})
    # In a thread of its own, since the caller's may have a loop that runs, as a notebook's has.
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: asyncio.run(answered(predict(desk.traffic, body)))).result()
    desk.close()
    said: dict[str, Any] = msgspec.json.decode(answer.body)
    if answer.status != OK:
        problems = [
            Problem(f"row {one.get('row')}, {one['column']}", one["message"]) for one in said.get("problems", [])
        ]
        raise DataError(f"status {answer.status}: {said['error']}", problems)
    predictions: list[dict[str, Any]] = said["predictions"]
    return predictions
