"""What the processes of a server have counted, put together: each writes its own down, and whoever is asked reads them all."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import msgspec

from hookline.live.seen import Refusals
from hookline.telling.secrets import logger
from hookline.workspace.files import write_whole

if TYPE_CHECKING:
    from hookline.live.seen import ArmCounts

    from ..arms.desk import Desk

log = logger("hookline.serving")

WRITE_SECONDS = 1.0
"""How often a process writes down what it has counted."""
STALE_SECONDS = 10.0
"""What a process says of this moment counts no longer once it has not said anything for so long."""


class Key(msgspec.Struct, frozen=True):
    """A version and the part that it plays."""

    version: int
    arm: str


class Seen(msgspec.Struct):
    """What was seen of one version in one part, under every policy so far; none of it ever becomes less."""

    key: Key
    requests: int = 0
    errors: int = 0
    latency: list[int] = []
    """Requests by `LATENCY_BOUNDS`, and one count more."""
    dropped: int = 0
    """Requests that it was not asked."""
    waiting: int = 0
    """Requests that wait for it now."""


class Snapshot(msgspec.Struct):
    """What one process has counted."""

    seen: list[Seen]
    connections: int | None
    held: int
    held_most: int
    written: int | None
    """Records; None where none are kept."""
    failures: int
    refused: list[int] = []
    """Requests that no version was asked, in the order of `REFUSED`."""
    unfilled: int = 0
    """Times that what rows lacked could not be read."""


def snapshot_of(desk: Desk) -> Snapshot:
    """Return what this process has counted; another traffic waits for it before it takes over."""
    with desk.change:
        return _snapshot(desk)


def _snapshot(desk: Desk) -> Snapshot:
    found: dict[Key, Seen] = {}

    def of(key: tuple[int, str]) -> Seen:
        named = Key(*key)
        return found.setdefault(named, Seen(named))

    former = {} if desk.former is None else desk.former.counted()
    for counted in (desk.retired, former, desk.traffic.counted()):
        for key, counts in counted.items():
            _add(of(key), counts)
    live = desk.traffic.live
    of((desk.traffic.policy.version, live.answerer.stamp.arm)).waiting += live.waiting
    for key, dropped in desk.dropped.items():
        of(key).dropped += dropped
    for traffic in (desk.former, desk.traffic):
        for key, arm in ({} if traffic is None else traffic.arms).items():
            of(key).dropped += arm.dropped
    for key, arm in desk.traffic.arms.items():
        of(key).waiting += arm.waiting
    held, record = desk.room.held, desk.record
    connections = None if desk.connections is None else desk.connections()
    written, failures = (None, 0) if record is None else (record.written, record.failures)
    refused = Refusals()
    traffics = [one for one in (desk.former, desk.traffic) if one is not None]
    for one in (desk.retired_refused, *(traffic.refused for traffic in traffics)):
        refused.include(one)
    return Snapshot(
        [*found.values()], connections, held.now, held.most, written, failures, refused.counts, desk.room.unfilled
    )


def all_snapshots(desk: Desk) -> Sequence[Snapshot]:
    """Return what every process of the server has counted, those that have ended too, which wait for nothing."""
    own = snapshot_of(desk)
    if desk.shared is None:
        return [own]
    others = []
    for path in sorted(desk.shared.glob("*.json")):
        if path.stem != str(os.getpid()):
            with suppress(OSError, msgspec.MsgspecError):  # One that is being cleared away, or of an end in between.
                others.append(_read(path))
    return [own, *others]


@contextmanager
def written_down(desk: Desk) -> Iterator[None]:
    """Write down what this process has counted, again and again, where others may be asked for it."""
    if desk.shared is None:
        yield
        return
    ended, path = Event(), desk.shared / f"{os.getpid()}.json"

    def write() -> None:
        with suppress(OSError):  # Once the server ends, the folder goes.
            write_whole(path, msgspec.json.encode(snapshot_of(desk)).decode())

    def go_on() -> None:
        while not ended.wait(WRITE_SECONDS):
            try:
                write()
            except Exception as error:  # noqa: BLE001  whatever it is, the next second may do without
                log.warning("what was counted could not be written down: %s", error)

    Thread(target=go_on, name="metrics", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        write()


def _read(path: Path) -> Snapshot:
    found = msgspec.json.decode(path.read_bytes(), type=Snapshot)
    if time.time() - path.stat().st_mtime > STALE_SECONDS:
        found.connections, found.held = 0, 0
        for one in found.seen:
            one.waiting = 0
    return found


def _add(seen: Seen, counts: ArmCounts) -> None:
    seen.requests += counts.requests
    seen.errors += counts.errors
    seen.latency = [*map(sum, zip(seen.latency, counts.latency, strict=True))] if seen.latency else [*counts.latency]


def together(snapshots: Sequence[Snapshot]) -> Mapping[Key, Seen]:
    """Return what all processes have seen of each version and part."""
    found: dict[Key, Seen] = {}
    for one in (seen for snapshot in snapshots for seen in snapshot.seen):
        held = found.setdefault(one.key, Seen(one.key))
        for name in ("requests", "errors", "dropped", "waiting"):
            setattr(held, name, getattr(held, name) + getattr(one, name))
        if one.latency:
            held.latency = [*map(sum, zip(held.latency, one.latency, strict=True))] if held.latency else [*one.latency]
    return found
