"""`/explain`: what moved an answer, as an evaluator says that can explain, within a budget of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from threading import Lock, Thread
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import msgspec
from starlette.exceptions import HTTPException

from hookline import Explains, Fleet
from hookline.errors import UsageError
from hookline.live.explaining.background import ordinary_rows
from hookline.live.explaining.explaining import explainer_of
from hookline.live.fleet import ALONE
from hookline.registry.registry import load_registry

from ..answers import frame_of
from ..clients.bounds import MOST_EXPLAINED
from ..openapi.columns import example_row
from ..reading.cutting import Body, check_count
from ..reading.faults import BadRows, TooLarge
from ..replies import Reply
from .asked import Act, Asked

if TYPE_CHECKING:
    import polars as pl

    from ..arms.traffic import Traffic
    from ..exchange import Question
    from ..service import Service


BUDGET_SECONDS = 5.0
MOST_BYTES = 256 * 1024
"""Of a body, which is read in one step."""
NOBODY = "no component that is installed explains answers; install a plugin with an evaluator that does (`Explains`)"


class Background(NamedTuple):
    """What answers are held against."""

    told: str
    rows: pl.DataFrame


def installed() -> Explains | None:
    """Return the first evaluator that explains and whose backend is there, with its defaults; None where none does."""
    try:
        return explainer_of(load_registry())
    except UsageError:
        return None


def explain(find: Callable[[], Explains | None] = installed, fleet: Fleet | None = None) -> Act:
    """Return what explains rows, one request at a time; nothing of it is on record, since nobody acts on an answer.

    fleet: knows what the training rows of a version were like, which its answers are held against
    """
    turn, find = Lock(), cache(find)
    backgrounds: WeakKeyDictionary[Service, Background] = WeakKeyDictionary()

    async def answer(traffic: Traffic, asked: Asked) -> Reply:
        if len(asked.body) > MOST_BYTES:
            raise TooLarge(f"a body to explain may be of {MOST_BYTES // 1024} KiB; send fewer rows at a time")
        (question,) = await traffic.live.room.in_turns(_read(traffic, asked.body))
        check_count(len(question.rows), MOST_EXPLAINED)
        explainer = await asyncio.to_thread(find)
        if explainer is None:
            raise HTTPException(501, NOBODY)
        if not turn.acquire(blocking=False):
            raise HTTPException(503, "another answer is being explained", headers={"retry-after": "1"})
        return Reply(await _within_budget(lambda: _explained(traffic.live, explainer, question, against), turn))

    def against(service: Service) -> Background:
        # Once for each version, by whoever has the turn.
        if service not in backgrounds:
            backgrounds[service] = background_of(service, fleet)
        return backgrounds[service]

    return answer


def background_of(service: Service, fleet: Fleet | None) -> Background:
    """Return what is ordinary to a version: as its training rows were, or where nobody knows that, the row of `/example`."""
    version, schema, reader = service.info["version"], service.predictor.schema, service.answerer.reader
    profile = None if fleet is None else fleet.profile(ALONE if version is None else version)
    if profile is not None:
        # A contract that was given beside may refuse what stood in training rows.
        with suppress(BadRows):
            # One at a time, since a bound on the rows of a request is none on these.
            example, rows = example_row(schema), ordinary_rows(schema, profile)
            values = [reader.read([{**example, **row}]).values[0] for row in rows]
            return Background("the training rows' columns, one by one", frame_of(values, schema))
    return Background("the row of /example", frame_of(reader.read([example_row(schema)]).values, schema))


def _read(traffic: Traffic, body: Body) -> Iterator[Question]:
    """Yield what a body asks, which may have a pattern to be matched by each text."""
    yield traffic.live.answerer.reader.read_body(body)


async def _within_budget(work: Callable[[], bytes], turn: Lock) -> bytes:
    """Return what is worked out in a thread; raises HTTPException (503) where that takes too long, and what it raises.

    turn: let go of once the thread ends, however late that is
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bytes] = loop.create_future()

    def settle(told: bytes | Exception) -> None:
        if done.done():
            return
        if isinstance(told, Exception):
            done.set_exception(told)
        else:
            done.set_result(told)

    def run() -> None:
        told: bytes | Exception
        try:
            told = work()
        except Exception as error:  # noqa: BLE001  a component may raise anything, and whoever asked must hear of it
            told = error
        finally:
            turn.release()
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, told)

    # A daemon's: one that goes on beyond its budget does not keep the process from ending.
    try:
        Thread(target=run, name="explain", daemon=True).start()
    except RuntimeError:  # The system has no more threads.
        turn.release()
        raise
    try:
        async with asyncio.timeout(BUDGET_SECONDS):
            return await done
    except TimeoutError:
        told = f"the answer could not be explained within {BUDGET_SECONDS:g} s; send fewer rows"
        raise HTTPException(503, told, headers={"retry-after": "1"}) from None


def _explained(
    live: Service, explainer: Explains, question: Question, against: Callable[[Service], Background]
) -> bytes:
    background = against(live)
    rows = frame_of(question.values, live.predictor.schema)
    made = explainer.explain(live.predictor, rows, background.rows)
    told = [
        {"base": base, "values": dict(zip(made.columns, values, strict=True))}
        for base, values in zip(made.base.tolist(), made.values.tolist(), strict=True)
    ]
    said = {"model": live.info["model"], "version": live.info["version"], "method": made.method, "unit": made.unit}
    return msgspec.json.encode({**said, "background": background.told, "explanations": told})
