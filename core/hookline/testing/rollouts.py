"""A rollout played through: what a deployer says next, look by look, of a new version that does well or badly."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hookline.kinds.deployments import Deployment, Histogram, Seen
from hookline.kinds.kinds import Deployer
from hookline.kinds.plain import plain
from hookline.kinds.reports import Bins, ColumnProfile

from .stored import sample_package

NEW, OLD = 7, 3
LOOKS = 200
"""So often a deployer is asked."""
AT_REST = 10
"""Looks without a move after which a rollout of which one version answers everything is over."""
START = datetime(2026, 1, 1, tzinfo=UTC)
FIRST_LOOK = timedelta(minutes=5)
LONGER = 1.05
"""Each look comes so much later than the one before did, so that slow rollouts also end."""
RATE = 20
"""Requests a second of all versions together."""
SHARES = {"healthy": 0.001, "failing": 0.1}
"""Of the new version's requests, those that are errors; the old one is healthy."""
LATENCY = ((0.005, 0.6), (0.01, 0.3), (0.05, 0.09), (0.25, 0.01))
"""Seconds, and the share of requests that take at most so long and longer than the one before."""
ANSWERS = ((0.0, 0.0), (0.25, 0.4), (0.5, 0.2), (0.75, 0.1), (1.0, 0.3))
"""Edges of the bins of answers, and the share of each."""


@dataclass(frozen=True)
class Look:
    """One question to a deployer, with its answer."""

    policy: Deployment
    seen: Mapping[int, Seen]
    now: datetime
    following: Deployment | None


def policies(deployer: Deployer) -> tuple[Deployment, ...]:
    """Return what is in force after the first version ever was deployed, and after one beside another."""
    current = in_force(Deployment.single(sample_package().name, OLD, deployer.name), deployer, START)
    made = (deployer.deploy(sample_package(NEW), None), deployer.deploy(sample_package(NEW), current))
    return tuple(in_force(policy, deployer, START) for policy in made)


def in_force(policy: Deployment, deployer: Deployer, now: datetime) -> Deployment:
    """Return a policy as the catalog has it: with the deployer's fields, and since when."""
    return replace(policy, fields=plain(deployer), since=now)


def play(deployer: Deployer, policy: Deployment, new: str) -> Iterator[Look]:
    """Ask a deployer again and again, first before anything was seen; `new` tells how the new version does."""
    now, pause, elapsed = START, FIRST_LOOK, timedelta(0)
    yield _look(deployer, policy, {}, now)
    for _ in range(LOOKS):
        now, elapsed, pause = now + pause, elapsed + pause, pause * LONGER
        seen = {version: _seen(policy, version, elapsed, new) for version in sorted(policy.versions)}
        look = _look(deployer, policy, seen, now)
        yield look
        if look.following is not None:
            policy, elapsed = in_force(look.following, deployer, now), timedelta(0)


def is_over(policy: Deployment) -> bool:
    """Tell whether one version answers everything, and no other is asked."""
    asked = {route.version for route in policy.routes if route.weight or route.shadow}
    return len(asked) == 1


def _look(deployer: Deployer, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Look:
    """Ask with copies, so that a deployer that changes what it is given changes none of what was asked."""
    return Look(policy, seen, now, deployer.follow(*copy.deepcopy((policy, seen)), now))


def _seen(policy: Deployment, version: int, elapsed: timedelta, new: str) -> Seen:
    """Return what is seen of a version that has its share of the requests since the step began."""
    weight = sum(route.weight for route in policy.routes if route.version == version)
    requests = int(RATE * elapsed.total_seconds() * min(1.0, weight))
    share = SHARES[new if version == NEW else "healthy"]
    counts = (*_parts(requests, [share for _, share in LATENCY]), 0)
    latency = Histogram(tuple(bound for bound, _ in LATENCY), counts)
    return Seen(requests, int(requests * share), latency, _answers(requests))


def _answers(count: int) -> ColumnProfile | None:
    """Return a distribution of so many probabilities; None of none."""
    if not count:
        return None
    edges = tuple(edge for edge, _ in ANSWERS)
    bins = Bins(edges, _parts(count, [share for _, share in ANSWERS[1:]]))
    facts = {"mean": 0.45, "std": 0.3, "minimum": 0.01, "maximum": 0.99, "bins": bins}
    return ColumnProfile("probability_yes", "Float64", "number", count, 0, min(count, 10_000), **facts)  # type: ignore[arg-type]


def _parts(count: int, shares: list[float]) -> tuple[int, ...]:
    """Divide a count by shares into whole numbers that add up to it."""
    ends = [round(count * sum(shares[: i + 1])) for i in range(len(shares))]
    return tuple(end - start for start, end in zip([0, *ends], ends, strict=False))
