"""Follows a model's policy in a thread: loads what it names beside what answers, and has the server's desk take it over."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import TYPE_CHECKING

from hookline.telling.secrets import logger
from hookline.workspace.catalog.sightings import Sighting
from hookline.workspace.processes.owners import host

from .desk import Desk, traffic_of
from .traffic import Traffic

if TYPE_CHECKING:
    from hookline.kinds.capabilities import Fleet
    from hookline.kinds.deployments import Deployment

log = logger("hookline.serving")

LOOK_SECONDS = 0.2
"""How often the policy is looked at."""
TELL_SECONDS = 1.0
"""How often this process says what it saw."""
AGAIN_SECONDS = 5.0
"""After how long a policy that could not be followed is tried again."""


class Follower:
    """Keeps a desk at the policy of its fleet."""

    def __init__(self, fleet: Fleet, desk: Desk, call: Callable[..., object]) -> None:
        self._fleet, self._desk, self._call = fleet, desk, call
        self._worker = f"{host()}/{os.getpid()}/{secrets.token_hex(4)}"
        self._ended = Event()
        self._told = ""
        self._tried: tuple[int | None, float] = (None, 0.0)
        self._following: Deployment = desk.traffic.policy
        self._said: dict[tuple[int, int, str], int] = {}
        self._thread = Thread(target=self._go_on, name="policy", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def close(self) -> None:
        """Say what was seen up to now, and end."""
        self._ended.set()
        self._thread.join(TELL_SECONDS)
        self._guarded(self._tell)

    def _go_on(self) -> None:
        telling = time.monotonic() + TELL_SECONDS
        while not self._ended.wait(LOOK_SECONDS):
            self._guarded(self._look)
            if time.monotonic() >= telling:
                telling = time.monotonic() + TELL_SECONDS
                self._guarded(self._tell)

    def _guarded(self, act: Callable[[], None]) -> None:
        """Do something that may fail for as long as the catalog is away; answers go on with the policy at hand."""
        try:
            act()
        except Exception as error:  # noqa: BLE001  whatever a catalog or a package raises, the server goes on
            said = f"{type(error).__name__}: {error}"
            if said != self._told:
                log.error("the policy cannot be followed, and the one at hand stays: %s", error)
            self._told = said

    def _look(self) -> None:
        policy = self._fleet.policy()
        if policy == self._following:
            return
        number, tried = self._tried
        if number == policy.number and time.monotonic() - tried < AGAIN_SECONDS:
            return
        self._tried = policy.number, time.monotonic()
        desk = self._desk
        traffic = traffic_of(self._fleet, policy, desk.record, desk.room)
        self._following, self._told = policy, ""
        self._call(self._take, traffic)
        self._fleet.keep({*policy.versions, *desk.traffic.policy.versions})

    def _take(self, traffic: Traffic) -> None:
        self._desk.take(traffic)
        log.info("policy %s of '%s' is followed", traffic.policy.number, traffic.policy.model)

    def _tell(self) -> None:
        """Tell what changed since it was told last, under this policy and the one before."""
        desk = self._desk
        told: list[Sighting] = []
        for traffic in (desk.former, desk.traffic):
            if traffic is None:
                continue
            policy = traffic.policy
            for (version, arm), counts in traffic.counted().items():
                key = (policy.number or 0, version, arm)
                if counts.requests != self._said.get(key, -1):
                    told.append(counts.sighting(policy.model, key[0], version, arm, self._worker))
        if told:
            self._fleet.tell(told)
            self._said |= {(one.policy, one.version, one.arm): one.requests for one in told}
