"""`/explain`: what moved an answer, as an evaluator says that can explain, within a budget of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from threading import Lock, Thread
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import msgspec
from starlette.exceptions import HTTPException

from hookline import Explains, Fleet
from hookline.data.columns import conform
from hookline.errors import HooklineError, UsageError
from hookline.live.explaining.explainers import explainer_of
from hookline.live.fleet import ALONE
from hookline.registry.registry import load_registry

from ..answers import frame_of
from ..clients.bounds import MOST_EXPLAINED
from ..openapi.columns import example_row
from ..reading.cutting import Body, check_count
from ..reading.faults import TooLarge
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


def installed() -> Explains | None:
    """Return who explains where no fleet says it, with its defaults; None where nobody does."""
    try:
        return explainer_of(load_registry())
    except UsageError:
        return None


def explain(find: Callable[[], Explains | None] | None = None, fleet: Fleet | None = None) -> Act:
    """Return what explains rows, one request at a time; nothing of it is on record, since nobody acts on an answer.

    find: says who explains; by default the fleet does, which knows that of each version, and what its answers are held against
    """
    turn = Lock()
    known: WeakKeyDictionary[Service, Explainer | None] = WeakKeyDictionary()

    async def answer(traffic: Traffic, asked: Asked) -> Reply:
        if len(asked.body) > MOST_BYTES:
            raise TooLarge(f"a body to explain may be of {MOST_BYTES // 1024} KiB; send fewer rows at a time")
        (question,) = await traffic.live.room.in_turns(_read(traffic, asked.body))
        check_count(len(question.rows), MOST_EXPLAINED)
        explainer = await asyncio.to_thread(of, traffic.live)
        if explainer is None:
            raise HTTPException(501, NOBODY)
        if not turn.acquire(blocking=False):
            raise HTTPException(503, "another answer is being explained", headers={"retry-after": "1"})
        return Reply(await _within_budget(lambda: _explained(traffic.live, explainer, question), turn))

    def of(service: Service) -> Explainer | None:
        # Once for each version, and outside of the time that an answer may take: libraries are loaded here.
        if service not in known:
            known[service] = explainer_for(service, find, fleet)
        return known[service]

    return answer


class Explainer(NamedTuple):
    """Who explains a version's answers, and what they are held against, in words and as rows."""

    who: Explains
    told: str
    rows: pl.DataFrame


def explainer_for(
    service: Service, find: Callable[[], Explains | None] | None, fleet: Fleet | None
) -> Explainer | None:
    """Return who explains a version, against what its package tells, or the row of `/example`; None where nobody does."""
    who = find() if find is not None else installed() if fleet is None else _of_fleet(fleet, _version(service))
    if who is None:
        return None
    for module in getattr(type(who), "requires", tuple)():
        import_module(module)
    return Explainer(who, *background_of(service, fleet))


def _of_fleet(fleet: Fleet, version: int) -> Explains | None:
    try:
        return fleet.explainer(version)
    except UsageError:
        return None


def background_of(service: Service, fleet: Fleet | None) -> tuple[str, pl.DataFrame]:
    """Return what is ordinary to a version, as its package tells, or where that does not serve, the row of `/example`."""
    schema, reader = service.predictor.schema, service.answerer.reader
    if fleet is not None:
        # A package may tell nothing, and a contract that was given beside may refuse what stood in training rows.
        with suppress(HooklineError):
            told, rows = fleet.ordinary(_version(service))
            service.predictor.predict(rows)
            return told, rows
    return "the row of /example", frame_of(reader.read([example_row(schema)]).values, schema)


def _version(service: Service) -> int:
    version = service.info["version"]
    return ALONE if version is None else version


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


def _explained(live: Service, explainer: Explainer, question: Question) -> bytes:
    # As `hookline explain` has them, so that both say the same numbers.
    rows = conform(frame_of(question.values, live.predictor.schema), live.predictor.schema)
    made = explainer.who.explain(live.predictor, rows, explainer.rows)
    told = [
        {"base": base, "values": dict(zip(made.columns, values, strict=True))}
        for base, values in zip(made.base.tolist(), made.values.tolist(), strict=True)
    ]
    said = {"model": live.info["model"], "version": live.info["version"], "method": made.method, "unit": made.unit}
    return msgspec.json.encode({**said, "background": explainer.told, "explanations": told})
