"""What a policy names, loaded: the version in charge first, and those beside it without keeping it from answering."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any

from hookline import FillsRows
from hookline.errors import FeaturesAway
from hookline.kinds.deployments import LIVE, Deployment, Route
from hookline.live.routing import Router
from hookline.telling.secrets import logger

from ..answers import Answerer
from ..log import PredictionLog, Stamp
from ..service import Room, Service
from .arm import Arm
from .shadow import Shadow
from .traffic import Traffic

if TYPE_CHECKING:
    from hookline.kinds.serving.fleet import FillsIn, Fleet
    from hookline.live.seen import ArmCounts

log = logger("hookline.serving")

BESIDE_SECONDS = 1.0
"""How long a new policy waits for the versions beside the one in charge, while the one before goes on."""
LOAD_SECONDS = 60.0
"""After how long a version beside the one in charge counts as one that cannot be loaded, until it is."""


def traffic_of(
    fleet: Fleet, policy: Deployment, record: PredictionLog | None, room: Room, patience: float = BESIDE_SECONDS
) -> Traffic:
    """Return the traffic that a policy means; raises what loading the version in charge raises.

    patience: seconds that the others together may take to be at work; who takes longer joins later, and the one in charge
    answers for it until then. One that cannot be loaded answers nothing, and each request for it counts as an error of its own.
    """
    answering = {route for route in policy.routes if route.version != policy.version}
    own = [route.arm for route in policy.routes if route.version == policy.version and not route.shadow]
    live = service_of(fleet, Route(policy.version, 1.0, arm=own[0] if own else LIVE), record, room)
    due = time.monotonic() + LOAD_SECONDS
    # Counted between the same edges as those of the version in charge.
    arms = {route: _in_the_making(fleet.counts(policy.version), route, due) for route in answering}
    _wait([_begin(fleet, route, arm, record, room) for route, arm in arms.items()], min(patience, LOAD_SECONDS))
    return Traffic(policy, Router.of(policy), live, {(route.version, route.arm): arm for route, arm in arms.items()})


def service_of(fleet: Fleet, route: Route, record: PredictionLog | None, room: Room) -> Service:
    """Return a version at work in the part that a route gives it; raises what loading it raises."""
    facts = fleet.facts(route.version)
    stamp = Stamp(str(facts["model"]), facts["version"], route.arm)
    fill = fleet.filler(route.version) if isinstance(fleet, FillsRows) else None
    counted = None if fill is None else Counted(fill, room)
    answerer = Answerer(fleet.predictor(route.version), record, room.bounds.rows, stamp, counted)
    return Service(answerer, facts, room, fleet.counts(route.version))


@dataclass(frozen=True)
class Counted:
    """What fills rows, and counts the times that it cannot."""

    fill: FillsIn
    room: Room

    @property
    def waits(self) -> bool:
        """Whether it asks over a network."""
        return self.fill.waits

    def __call__(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
    ) -> tuple[Sequence[Any], dict[int, tuple[str, ...]]]:
        """Return rows with what is known of them; raises FeaturesAway."""
        try:
            return self.fill(rows, columns)
        except FeaturesAway:
            self.room.unfilled += 1
            raise


def _in_the_making(counts: ArmCounts, route: Route, due: float) -> Arm:
    return Arm(None, counts, f"version {route.version} cannot be loaded: it took more than {LOAD_SECONDS:g} s", due)


def _begin(fleet: Fleet, route: Route, arm: Arm, record: PredictionLog | None, room: Room) -> Thread:
    """Load a version in a thread that nobody waits for for ever, since it may never come to be loaded."""

    def load() -> None:
        try:
            service = service_of(fleet, route, record, room)
            arm.join(service, Shadow(fleet, route, arm.counts) if route.shadow else None)
        except Exception as error:  # noqa: BLE001  a package may fail in whatever way, and the version in charge goes on
            arm.give_up(f"version {route.version} cannot be loaded: {error}")
        else:
            log.info("version %d (%s) is at work beside the one in charge", route.version, route.arm)

    thread = Thread(target=load, name=f"load {route.version}", daemon=True)
    thread.start()
    return thread


def _wait(threads: Sequence[Thread], patience: float) -> None:
    until = time.monotonic() + patience
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
