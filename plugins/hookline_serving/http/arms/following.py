"""Follows a model's policy in a thread: loads what it names beside what answers, and has the server's desk take it over."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import TYPE_CHECKING

from hookline.telling.secrets import logger
from hookline.workspace.catalog.sightings import NO_VERSION, REFUSALS, Sighting
from hookline.workspace.processes.owners import host

from .desk import Desk
from .loading import traffic_of
from .traffic import Traffic

if TYPE_CHECKING:
    from hookline.kinds.deployments import Deployment
    from hookline.kinds.serving.fleet import Fleet

log = logger("hookline.serving")

LOOK_SECONDS = 0.2
"""How often the policy is looked at."""
TELL_SECONDS = 1.0
"""How often this process says what it saw."""
AGAIN_SECONDS = 5.0
"""After how long a policy that could not be followed is tried again."""
LAST_SECONDS = 2.0
"""How long a server that ends tries to say what it saw last: the catalog may be locked."""


class Follower:
    """Keeps a desk at the policy of its fleet.

    One thread looks, another tells, which may wait for others that write to the catalog, and each policy is loaded in one of
    its own, since a version may never come to be loaded: what is put in force after it is followed all the same.
    """

    def __init__(self, fleet: Fleet, desk: Desk, call: Callable[..., object]) -> None:
        self._fleet, self._desk, self._call = fleet, desk, call
        self._worker = f"{host()}/{os.getpid()}/{secrets.token_hex(4)}"
        self._ended = Event()
        self._told: dict[str, str] = {}
        """What went wrong last with each thing that is done."""
        self._wanted: Deployment = desk.traffic.policy
        """The newest policy: it is followed, or about to be, or could not be."""
        self._again: float | None = None
        """When it is tried again, where it could not be followed."""
        self._untold: list[Traffic] = [desk.traffic]
        """What is in force, and what was since the catalog was last told."""
        self._said: dict[tuple[int, int, str], int] = {}

    def start(self) -> None:
        """Begin to follow."""
        self._begin(
            "policy", self._every, LOOK_SECONDS, self._look, "the policy cannot be looked at, and the one at hand stays"
        )
        self._begin("counts", self._every, TELL_SECONDS, self._tell, "what was seen cannot be told yet")

    def close(self) -> None:
        """Say what was seen up to now, if the catalog takes it soon, and end."""
        self._ended.set()
        self._begin("last counts", self._guarded, self._tell, "what was seen last cannot be told").join(LAST_SECONDS)

    def _begin(self, name: str, act: Callable[..., None], *given: object) -> Thread:
        # A daemon's: one that hangs does not keep the process from ending.
        thread = Thread(target=act, args=given, name=name, daemon=True)
        thread.start()
        return thread

    def _every(self, seconds: float, act: Callable[[], None], trouble: str) -> None:
        while not self._ended.wait(seconds):
            self._guarded(act, trouble)

    def _guarded(self, act: Callable[[], None], trouble: str) -> None:
        """Do something that may fail for as long as the catalog is away; answers go on with the policy at hand."""
        try:
            act()
        except Exception as error:  # noqa: BLE001  whatever a catalog or a package raises, the server goes on
            said = f"{type(error).__name__}: {error}"
            if said != self._told.get(trouble):
                log.error("%s: %s", trouble, error)
            self._told[trouble] = said
        else:
            self._told.pop(trouble, None)

    def _look(self) -> None:
        policy = self._fleet.policy()
        if policy == self._wanted and (self._again is None or time.monotonic() < self._again):
            return
        self._wanted, self._again = policy, None
        if policy == self._desk.traffic.policy:
            # What could not be followed was put back.
            self._desk.behind = ""
            return
        self._begin(f"policy {policy.number}", self._load, policy)

    def _load(self, policy: Deployment) -> None:
        """Load what a policy names, and have it followed, unless it is the newest no more by then."""
        desk = self._desk
        try:
            traffic = traffic_of(self._fleet, policy, desk.record, desk.room)
        except Exception as error:  # noqa: BLE001  a package may fail in whatever way, and what answers goes on
            if self._wanted is policy:
                self._again = time.monotonic() + AGAIN_SECONDS
                said = f"policy {policy.number} cannot be followed, and the one at hand stays: {error}"
                if said != desk.behind:
                    log.error(said)
                desk.behind = said
            return
        self._call(self._take, traffic)

    def _take(self, traffic: Traffic) -> None:
        """Answer by a policy from now on; in the thread of the loop, as all that answers."""
        if self._wanted is not traffic.policy:
            traffic.close()
            return
        self._desk.take(traffic)
        self._desk.behind = ""
        self._untold.append(traffic)
        former = self._desk.former
        self._fleet.keep({*traffic.policy.versions, *(former.policy.versions if former is not None else ())})
        log.info("policy %s of '%s' is followed", traffic.policy.number, traffic.policy.model)

    def _tell(self) -> None:
        """Tell what changed since it was told last, under each policy since then."""
        now, told = [*self._untold], list[Sighting]()
        for traffic in now:
            number = traffic.policy.number or 0
            for (version, arm), counts in traffic.counted().items():
                if counts.requests != self._said.get((number, version, arm), -1):
                    told.append(counts.sighting(traffic.policy.model, number, version, arm, self._worker))
            if traffic.refused.requests != self._said.get((number, NO_VERSION, REFUSALS), 0):
                told.append(traffic.refused.sighting(traffic.policy.model, number, self._worker))
        if told:
            self._fleet.tell(told)
            self._said |= {(one.policy, one.version, one.arm): one.requests for one in told}
        # Of the last two, requests may still be on their way.
        for traffic in now[:-2]:
            self._untold.remove(traffic)
