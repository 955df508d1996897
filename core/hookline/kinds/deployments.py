"""A package on disk, who answers which share of traffic, and what a package may do when it is loaded."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

from .reports import ColumnProfile
from .scored import Scored

LIVE = "live"
"""The arm of the version in charge."""
LATENCY_BOUNDS = tuple(0.0001 * 1.2**power for power in range(74))
"""Seconds, from a tenth of a millisecond to a minute, each a fifth more than the one before: those of a server's histogram."""
REFUSED = {
    400: "cannot be read",
    413: "too large",
    415: "of another media type",
    422: "the contract",
    503: "too much at a time, no record can be kept, or stored features cannot be read",
}
"""The statuses of requests for predictions that are refused before a version answers, and why, in the order they are counted."""


@dataclass(frozen=True)
class Package:
    """A pipeline on disk, in one format, with its evidence beside it.

    path: the folder; `manifest.json` in it names every file with its digest
    """

    path: Path
    format: str
    """The packager's name."""
    name: str = "model"
    version: int | None = None
    """The number in the catalog; None until it is registered."""
    objections: tuple[str, ...] = ()
    """What speaks against its taking over from the version in charge, each a clause with its figures."""
    unfit: tuple[str, ...] = ()
    """Those of the objections that no trial on live traffic can settle: a critical finding, another target."""


@dataclass(frozen=True)
class Route:
    """A share of traffic for one version."""

    version: int
    weight: float
    shadow: bool = False
    """Asked and recorded, but its answer is not returned; then `weight` is the share of requests that are asked of it, too."""
    arm: str = LIVE
    """The part that it plays, such as `live`, `canary`, `shadow`, `A` or `B`, as records and figures name it."""


@dataclass(frozen=True)
class Deployment:
    """A routing policy over the versions of one model."""

    model: str
    version: int
    """The one in charge: whose answers count, and to which a roll-back returns."""
    routes: tuple[Route, ...]
    deployer: str
    aliases: Mapping[str, int] = field(default_factory=dict)
    """Alias -> version to set with this deployment, such as {"champion": 3}."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Of the deployer, as plain values, so that any process can make it again and ask it to follow."""
    step: int = 0
    """How many times the policy has moved on since it was deployed."""
    since: datetime | None = None
    """When it came into force, UTC; None until it has."""
    reason: str = ""
    """Why it came into force, in a sentence with the figures."""
    key: str | None = None
    """The raw column that decides the arm, so that rows of one value always get the same; None: chance does."""
    who: str = ""
    """Who put it in force: a person with their machine, or a controller."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What the reason goes by, as plain values, such as requests and errors by arm."""
    number: int | None = None
    """Under which the catalog has it, ascending over time; None until it has."""

    @classmethod
    def single(cls, model: str, version: int, deployer: str) -> Deployment:
        """Send everything to one version, and call it the champion."""
        return cls(model, version, (Route(version, 1.0),), deployer, {"champion": version})

    @property
    def versions(self) -> frozenset[int]:
        """Every version that it names."""
        return frozenset({self.version, *(route.version for route in self.routes), *self.aliases.values()})

    def is_same_policy(self, other: Deployment | None) -> bool:
        """Tell whether another says the same, whenever, by whom and for whatever reason it came into force."""
        told: dict[str, Any] = {"since": None, "reason": "", "who": "", "figures": {}, "number": None}
        return other is not None and replace(self, **told) == replace(other, **told)


@dataclass(frozen=True)
class Deployed:
    """What became of a package that a run handed to its deployer."""

    model: str
    version: int
    """The number that the package has in the catalog."""
    policy: Deployment | None
    """The one in force now; None where no version was ever put in charge."""
    accepted: bool
    """Whether it takes part in the policy; otherwise it is only registered."""
    told: str
    """What was done and why, in one line that ends in what to type where it was not accepted."""


@dataclass(frozen=True)
class Histogram:
    """How long requests took.

    bounds: seconds, ascending; counts[i]: requests of at most bounds[i] and more than the bound before, the last one of
        more than every bound, so that there is one count more than bounds
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    def quantile(self, share: float) -> float | None:
        """Return the bound in seconds that a share of the requests stayed within; None without requests, inf beyond all."""
        reached = list(accumulate(self.counts))
        if not reached[-1]:
            return None
        place = bisect_left(reached, share * reached[-1])
        return self.bounds[place] if place < len(self.bounds) else float("inf")


@dataclass(frozen=True)
class Seen:
    """What was seen of one version since the step of its policy began."""

    requests: int
    errors: int
    latency: Histogram
    answers: ColumnProfile | None = None
    """The distribution of what it answered; None where it answered nothing."""
    scored: Scored | None = None
    """Its answers with their rows, and the truth where it is known; None where no label came since."""
    failing: frozenset[str] | None = None
    """The values of the policy's key whose requests it failed, each as a digest; None where nobody knows all of them."""


@dataclass(frozen=True)
class Traffic:
    """What became of the requests to a model in a span of time, those asked of a version in the shadow left out.

    requests: as servers counted them, those that failed among them; None where none counted
    errors: of these, those that a version could not answer; None likewise
    latency: of the answered ones as servers counted them, else as the prediction log says
    answers: on record in the prediction log, and of these `warned` were given with a warning
    refused: status -> requests that were refused before any version answered (`REFUSED`); told of the version in charge alone
    asked: requests of all versions together, refused ones too, which those are a share of
    before: the same of the days before, whichever version answered, without the log; None where no server counted
    """

    requests: int | None = None
    errors: int | None = None
    latency: Histogram = Histogram(LATENCY_BOUNDS, (0,) * (len(LATENCY_BOUNDS) + 1))
    answers: int = 0
    warned: int = 0
    refused: Mapping[int, int] = field(default_factory=dict)
    asked: int = 0
    before: Traffic | None = None


@dataclass(frozen=True)
class Share:
    """What one of several processes of a server is given by whoever started them all, as descriptors and numbers."""

    listening: int
    """Of a socket that listens."""
    told_on: int
    """Of a pipe: to write on who answers, and where, and to close, once it can answer."""
    counts: int
    """Of a file that all of them map: of each process how many connections it has, 32 bits each, -1 where it has none to be."""
    place: int
    """Of its own number among those."""
    folder: Path
    """Where each writes what all of them are to know, such as what it has counted; it goes when the server ends."""


@dataclass(frozen=True)
class Beside:
    """What a process is given that asks a version off the way of answers, by the process that gives them."""

    version: int
    arm: str
    asked_on: int
    """Of a pipe to read what is asked from, until it is closed; as its server writes it."""
    told_on: int
    """Of a pipe to tell on what became of it."""


@dataclass(frozen=True)
class ServeOptions:
    """How a server is to be reached, and what it takes at a time."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0 picks a free one."""
    max_rows: int = 50_000
    """Most rows that a request may hold."""
    max_bytes: int = 32 * 1024 * 1024
    """Largest body of a request."""
    workers: int = 1
    """Processes that answer; several share the port."""
    share: Share | None = None
    """Of each of several processes, what it is given; None: the server binds a socket, and says on stderr where it answers."""
    beside: Beside | None = None
    """Of a process that answers nobody, what it is to ask, and where it is told; None: it answers whoever connects."""
    token_file: Path | None = None
    """A file with a token a line, one of which each request must bear; None: whoever reaches the server is answered."""
    tls_cert: Path | None = None
    """A PEM file with the certificate that the server shows; None: what is asked and answered is not encrypted."""
    tls_key: Path | None = None
    """A PEM file with its private key; None: it is in the certificate's file."""


@dataclasses.dataclass(frozen=True)
class Trust:
    """What the caller of `load` allows a package to do; by default nothing that could run its code."""

    pickle: bool = False
    """Unpickling, and code of a project that travels in the package, which can run anything."""
    types: frozenset[str] = frozenset()
    """Dotted type names that a skops file may build, beyond scikit-learn's own safe ones."""
    signed: bool = False
    """Only what is signed with this user's key (or HOOKLINE_STORE_KEY), or by one of HOOKLINE_TRUSTED_KEYS, is loaded at all."""
    everything: bool = False
    """The caller has just written the package itself."""
