"""Where requests come in: the traffic of this moment, and what was seen while others were in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from hookline import Predictor
from hookline.kinds.deployments import LIVE, Deployment
from hookline.live.routing import Router
from hookline.live.seen import Refusals

from ..answers import Answerer
from ..clients.bounds import Bounds
from ..log import PredictionLog, Stamp
from ..service import Room, Service
from .traffic import Traffic

if TYPE_CHECKING:
    from hookline.kinds.serving.fleet import Fleet
    from hookline.live.seen import ArmCounts


PREDICTS = frozenset({"/predict", "/invocations"})
LAST_SECONDS = 1.0
"""How long a server that ends waits for what versions beside the one in charge are asked."""


class Desk:
    """The traffic of this moment, which another takes the place of; requests that are on their way keep theirs."""

    def __init__(self, traffic: Traffic, record: PredictionLog | None, fleet: Fleet | None = None) -> None:
        self.traffic, self.record, self.fleet = traffic, record, fleet
        self.former: Traffic | None = None
        """What was in force before, of which requests may still be on their way."""
        self.retired: dict[tuple[int, str], ArmCounts] = {}
        """What was seen under policies that nobody is answered by any more, by version and arm."""
        self.retired_refused = Refusals()
        """What was refused under them."""
        self.behind = ""
        """Why the newest policy is not followed, in a sentence; empty where it is, or is about to be."""
        self.dropped: dict[tuple[int, str], int] = {}
        """Of these, how many requests a version beside the one in charge was not asked: not loaded yet, or too many waited."""
        self.shared: Path | None = None
        """The folder where every process of the server writes down what it has counted; None: this is the only one."""
        self.connections: Callable[[], int] | None = None
        """Tells how many clients are connected, where somebody knows."""
        self.asks_token = False
        """Whether a request must bear a token, which is asked for before it comes here."""
        self.change = Lock()
        """Held while one traffic takes another's place, and by whoever adds up what was seen of both."""

    @property
    def room(self) -> Room:
        """What all versions share."""
        return self.traffic.live.room

    def take(self, traffic: Traffic) -> None:
        """Answer by another traffic from now on."""
        with self.change:
            if self.former is not None:
                self._retire(self.former)
            self.former, self.traffic = self.traffic, traffic
        self.former.close()

    def close(self) -> None:
        """End the threads and the record."""
        self.traffic.close()
        # What is asked in the shadow is put on record, but for what hangs.
        self.traffic.join(LAST_SECONDS)
        self.room.close()
        if self.record is not None:
            self.record.close()

    def refuse(self, path: str, status: int) -> None:
        """Count an answer by its status where a request for predictions was refused; one of a version by its number is not."""
        if path in PREDICTS or (path.endswith("/infer") and "/versions/" not in path):
            self.traffic.refused.add(status)

    def _retire(self, traffic: Traffic) -> None:
        self.retired_refused.include(traffic.refused)
        for key, arm in traffic.arms.items():
            self.dropped[key] = self.dropped.get(key, 0) + arm.dropped
        for key, counts in traffic.counted().items():
            # Its own stay as they are: the catalog may have to be told of them yet, under the policy that they were seen under.
            held = self.retired.get(key)
            self.retired[key] = replace(counts) if held is None else held.with_those_of(counts)


def desk_of(predictor: Predictor, info: Mapping[str, Any], record: PredictionLog | None, bounds: Bounds) -> Desk:
    """Return the desk of one package that answers everything. info: model, version, format."""
    policy = Deployment.single(str(info["model"]), info["version"] or 0, "")
    stamp = Stamp(str(info["model"]), info["version"], LIVE)
    service = Service(Answerer(predictor, record, bounds.rows, stamp), info, Room(bounds))
    return Desk(Traffic(policy, Router.of(policy), service), record)
