"""Carries a rollout on: one process at a time asks the deployer of a model what comes next, and puts it in force."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from hookline.errors import DataError, HooklineError
from hookline.kinds.component import COMPONENT
from hookline.kinds.deployments import Deployment, Seen
from hookline.kinds.kinds import Deployer
from hookline.kinds.scored import Scored
from hookline.plans.placing.components import built
from hookline.registry.registry import Registry
from hookline.telling.once import Once
from hookline.telling.secrets import logger
from hookline.workspace.processes.owners import Owner, Watch, host
from hookline.workspace.workspace import Workspace

from .log.answered import scored
from .log.predictions import predictions_in
from .seen import seen_in, worth_of_keys

log = logger("hookline.live")

LOOK_SECONDS = 1.0
"""How often a deployer is asked."""
WORTH_SECONDS = 30.0
"""How often a look is taken at how alike the answers of one key are."""
WORTH_ROWS = 20_000
"""The newest answers that this look goes by."""
LABELS_SECONDS = 10.0
"""How often a look is taken for labels at most, each of which reads what was answered since the step began."""
LABELS_REST = 5.0
"""How many times as long as it took it rests after such a look."""


@dataclass
class Controller:
    """Asks the deployer of one model's policy what comes next, while no other process does."""

    workspace: Workspace
    registry: Registry
    model: str
    owner: Owner = field(default_factory=Owner.here)
    _watch: Watch = field(default_factory=Watch)
    _alike: tuple[int | None, float, float] = (None, 0.0, 1.0)
    _reading: threading.Thread | None = None
    _labeled: tuple[int | None, float, Mapping[int, Scored]] = (None, 0.0, {})
    _met: tuple[int | None, datetime, float] = (None, datetime.min, 0.0)
    """The policy that was seen last, the time when it was first seen, and what a clock that nobody sets said then."""

    def look(self, now: datetime | None = None) -> Deployment | None:
        """Take one look, and return the policy that this one put in force, or None.

        Raises what the catalog raises, and whatever the deployer does.
        """
        catalog = self.workspace.catalog
        catalog.database.require_same()
        policy = catalog.deployments.current(self.model)
        if policy is None:
            return None
        deployer = deployer_of(self.registry, policy)
        if type(deployer).follow is Deployer.follow:
            # One that never goes on needs no controller.
            return None
        if not catalog.controllers.take(self.model, self.owner, self._watch):
            return None
        following = deployer.follow(policy, self.seen(policy), now or self._time(policy))
        if following is None or following.is_same_policy(policy):
            return None
        made = replace(following, fields=following.fields or policy.fields, who=f"controller@{host()}")
        if not catalog.deployments.follow(made, following.reason, policy):
            # Somebody was first, whose word stands.
            return None
        log.warning("%s: %s", self.model, following.reason)
        return made

    def seen(self, policy: Deployment) -> dict[int, Seen]:
        """Return what a policy's deployer is asked with, by version."""
        told = self.workspace.catalog.sightings.of(self.model, policy.number or 0)
        return seen_in(told, self._scored(policy), self._worth(policy))

    def _worth(self, policy: Deployment) -> float:
        """Return how many independent answers one is worth: less than one where a key always meets the same version."""
        number, looked, found = self._alike
        if policy.key is None or (number == policy.number and time.monotonic() - looked < WORTH_SECONDS):
            return 1.0 if policy.key is None else found
        found = 1.0
        # Nothing on record yet.
        with suppress(HooklineError):
            answered = replace(predictions_in(self.workspace, self.model, policy.since), given=True, served=True)
            found = worth_of_keys(answered.newest(WORTH_ROWS))
        self._alike = policy.number, time.monotonic(), found
        return found

    def leave(self) -> None:
        """Let another process take over at once."""
        self.workspace.catalog.controllers.leave(self.model, self.owner)

    def _time(self, policy: Deployment) -> datetime:
        """Return the time as a policy's deployer is told it: since it was first seen, by a clock that nobody sets."""
        steady = time.monotonic()
        if self._met[0] != policy.number:
            now = self.workspace.catalog.database.clock()
            # Where the clock was put back since, it came into force at this moment.
            self._met = policy.number, max(now, policy.since or now), steady
        _, first, since = self._met
        return first + timedelta(seconds=steady - since)

    def _scored(self, policy: Deployment) -> Mapping[int, Scored]:
        """Return the answers under a policy with the truth that labels tell, by version; none where no label came.

        They are read in a thread, which may take longer than the lease does, and are the newest that were read.
        """
        if self._reading is None or not self._reading.is_alive():
            number, due, _ = self._labeled
            if number != policy.number or time.monotonic() >= due:
                self._reading = threading.Thread(target=self._read, args=(policy,), name="labels", daemon=True)
                self._reading.start()
                # Of a short log they are there at once.
                self._reading.join(LOOK_SECONDS)
        number, _, found = self._labeled
        return found if number == policy.number else {}

    def _read(self, policy: Deployment) -> None:
        began, found = time.monotonic(), dict[int, Scored]()
        try:
            if self.workspace.catalog.labels.has_new(self.model, policy.since):
                found = self._by_version(policy)
        except Exception as error:  # noqa: BLE001  in a thread of its own, where nobody else would hear of it
            log.error("what labels tell of '%s' cannot be read, and its rollout goes on without: %s", self.model, error)
        took = time.monotonic() - began
        self._labeled = policy.number, time.monotonic() + max(LABELS_SECONDS, LABELS_REST * took), found

    def _by_version(self, policy: Deployment) -> dict[int, Scored]:
        shadows = {route.version: route.arm for route in policy.routes if route.shadow}
        home, found = self.workspace.home, dict[int, Scored]()
        for version in policy.versions:
            # One that stands by, or has only begun, has nothing on record.
            with suppress(DataError):
                arm = shadows.get(version)
                found[version] = scored(self.model, policy.since, version=version, arm=arm, home=home)
        return found


def deployer_of(registry: Registry, policy: Deployment) -> Deployer:
    """Return the deployer that a policy is of, with the fields that it had; raises UnknownName, ConfigError."""
    deployer = built(registry, "deployer", "deployer", {COMPONENT: policy.deployer, **policy.fields})
    assert isinstance(deployer, Deployer)
    type(deployer).check_backend()
    return deployer


@contextmanager
def controlling(workspace: Workspace, registry: Registry, model: str) -> Iterator[None]:
    """Carry a model's rollouts on in a thread, for the time of this block."""
    ended = threading.Event()
    working = threading.Thread(
        target=_go_on, args=(Controller(workspace, registry, model), ended), name="controller", daemon=True
    )
    working.start()
    try:
        yield
    finally:
        ended.set()
        working.join(LOOK_SECONDS)


def _go_on(controller: Controller, ended: threading.Event) -> None:
    told = Once(partial(log.error, "the rollout of '%s' cannot be carried on: %s", controller.model))
    while not ended.wait(LOOK_SECONDS):
        try:
            controller.look()
            told.well()
        except Exception as error:  # noqa: BLE001  a deployer may raise anything, and the next look may do better
            told.fault(error)
    with suppress(HooklineError):
        controller.leave()
