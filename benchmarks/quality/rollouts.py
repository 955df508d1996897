"""How often a rollout takes back a version that is like the live one, and how soon one that is worse, looked at every second."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from scipy.special import betaln

from hookline import ColumnProfile, Deployment, Histogram, Package, Seen
from hookline.kinds.deployments import LATENCY_BOUNDS
from hookline.kinds.reports import Bins
from hookline.quality.sequential.asymptotic import Estimate, difference
from hookline_serving import CanaryDeployer
from hookline_serving.deployers.canary import ARM
from hookline_serving.deployers.durations import span_of
from hookline_serving.deployers.evidence.comparison import planned_units
from hookline_serving.deployers.evidence.likelihood import PSEUDO
from hookline_serving.deployers.guards import FEWEST, FEWEST_ERRORS
from hookline_serving.deployers.policies import tried

NEW, OLD = 2, 1
START = datetime(2026, 1, 1, tzinfo=UTC)
ANSWERS = np.array([0.16, 0.14, 0.12, 0.1, 0.1, 0.1, 0.08, 0.08, 0.06, 0.06])
"""Shares of ten bins of a probability."""
EDGES = tuple(round(0.1 * place, 1) for place in range(11))
KEYS = 500
"""Where keys decide, so many there are."""
CHUNK = 300
"""Seconds that are drawn at a time."""
MOST = 60_000
"""Seconds after which a rollout that has not ended is given up."""


USUAL = CanaryDeployer(wait="5m", quality=None)
BY_KEY = CanaryDeployer(wait="5m", quality=None, key="k")


@dataclass(frozen=True)
class World:
    """The traffic, and what the new version does otherwise than the live one."""

    told: str
    rate: float = 100.0
    """Requests a second."""
    errors: tuple[float, float] = (0.001, 0.001)
    """Share of requests that fail, of the live version and of the new one."""
    shifted: float = 0.0
    """Total variation between the answers of both."""
    slower: float = 1.0
    sticky: bool = False
    """Keys decide: 500 of them, the heaviest with 15 % of the requests."""
    own: float = 0.0
    """How far each key's answers, and errors, are from the others': 0 not at all, 1 each key has one answer only."""
    known: bool = False
    """Whether the server says of answers what a request is worth where those of one key are alike (the design effect)."""
    outages: bool = False
    """For ten seconds of each hundred a fifth of all requests fail, and take four times as long."""
    canary: CanaryDeployer = USUAL


@dataclass(frozen=True)
class Outcome:
    """What became of a rollout."""

    end: str
    requests: int
    """Of the new version until then, over all steps."""
    guard: str = ""


def latency_shares(slower: float) -> np.ndarray:
    """Return how log-normal times around 20 ms fall between the bounds of a server's histogram."""
    reached = [0.5 * math.erfc(-(math.log(b / 0.02 / slower) / 0.5) / math.sqrt(2)) for b in LATENCY_BOUNDS]
    return np.diff([0.0, *reached, 1.0])


def shifted_answers(distance: float) -> np.ndarray:
    """Return answers that lie so far off, in total variation: the lower half of the bins lose what the upper half gain."""
    lower = np.arange(10) < 5
    sizes = np.where(lower, ANSWERS / ANSWERS[lower].sum(), ANSWERS / ANSWERS[~lower].sum())
    return ANSWERS + distance * np.where(lower, -sizes, sizes)


class Arms:
    """Draws what is seen of both versions, second by second, while a share of the requests goes to the new one."""

    def __init__(self, world: World, share: float, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng
        self.heavy = (0.0, 0.0)
        self.weights: list[np.ndarray] = []
        """Of each key, its share of the errors of the new version and of the live one; none where chance decides."""
        self.failed = [np.full(KEYS, np.inf), np.full(KEYS, np.inf)]
        """Of each key, the second at which a request of the new version, and of the live one, failed first."""
        self.mass, self.own = self._keys(share) if world.sticky else (share, (None, None))

    def seconds(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield what was counted of the new version and of the live one so far, a row a second, `CHUNK` rows at a time."""
        totals = [np.zeros(2 + 10 + len(LATENCY_BOUNDS) + 1, dtype=np.int64) for _ in range(2)]
        for clock in range(0, MOST, CHUNK):
            asked = self.rng.poisson(self.world.rate, CHUNK)
            new = self.rng.binomial(asked, self.mass)
            trouble = (np.arange(clock, clock + CHUNK) % 100 < 10) if self.world.outages else np.zeros(CHUNK, bool)
            drawn = [self._drawn(n, place, trouble) for place, n in ((1, new), (0, asked - new))]
            for side, each in enumerate(drawn):
                self._fail(side, clock, each[:, 1])
            one, other = (start + np.cumsum(each, axis=0) for start, each in zip(totals, drawn, strict=True))
            yield one, other
            totals = [one[-1], other[-1]]

    def seen(self, one: np.ndarray, other: np.ndarray, second: int) -> dict[int, Seen]:
        """Return what a deployer is told of these counts, at a second of the step."""
        return {
            version: replace(
                _seen(each.tolist(), float(self.worth(each[0], side))), failing=self._failing(side, second)
            )
            for side, (version, each) in enumerate(((NEW, one), (OLD, other)))
        }

    def _failing(self, side: int, second: int) -> frozenset[str] | None:
        return frozenset(map(str, np.flatnonzero(self.failed[side] <= second))) if self.weights else None

    def _fail(self, side: int, clock: int, errors: np.ndarray) -> None:
        """Draw which keys' requests failed. errors: of each second"""
        if self.weights and errors.sum():
            keys = self.rng.choice(KEYS, int(errors.sum()), p=self.weights[side])
            np.minimum.at(self.failed[side], keys, np.repeat(clock + np.arange(len(errors)), errors))

    def worth(self, requests: np.ndarray, side: int) -> np.ndarray:
        """Return the inverse of the design effect: 1 + own (squared requests of keys, over their sum, less one)."""
        own = self.world.own if self.world.known else 0.0
        return 1 / (1 + own * np.maximum(0.0, requests * self.heavy[side] - 1))

    def _drawn(self, requests: np.ndarray, place: int, trouble: np.ndarray) -> np.ndarray:
        world, own = self.world, self.own[1 - place]
        rate = np.where(trouble, np.maximum(0.2, world.errors[place]), world.errors[place])
        errors = self.rng.binomial(requests, rate if own is None else rate * own[1])
        shares = shifted_answers(world.shifted if place else 0.0) if own is None else own[0]
        answers = self.rng.multinomial(requests - errors, shares)
        usual = latency_shares(world.slower if place else 1.0)
        slow = latency_shares(4 * world.slower if place else 4.0)
        times = self.rng.multinomial(requests, np.where(trouble[:, None], slow, usual))
        return np.column_stack([requests, errors, answers, times])

    def _keys(self, share: float) -> tuple[float, tuple[Any, Any]]:
        """Return the share of requests that keys bring the new version, and both versions' own answers and errors."""
        weights = 1 / np.arange(1, KEYS + 1) ** 1.01
        weights /= weights.sum()
        mine = self.rng.random(KEYS) < share
        mass = float(weights[mine].sum())
        if not 0 < mass < 1:
            return mass, (None, None)
        arms = [weights * side / (weights * side).sum() for side in (mine, ~mine)]
        self.weights = arms
        if not self.world.own:
            return mass, (None, None)
        alike = (1 - self.world.own) / self.world.own
        answers = self.rng.dirichlet(ANSWERS * alike, KEYS)
        errors = self.rng.gamma(alike, 1 / alike, KEYS)
        self.weights = [arm * errors / float(arm @ errors) for arm in arms]
        self.heavy = (float(np.square(arms[0]).sum()), float(np.square(arms[1]).sum()))
        return mass, (*((arm @ answers, float(arm @ errors)) for arm in arms),)


def _seen(totals: Sequence[int], worth: float) -> Seen:
    requests, errors, *counts = totals
    answers = ColumnProfile(
        "p", "Float64", "number", requests - errors, 0, 0, bins=Bins(EDGES, tuple(counts[:10])), independent=worth
    )
    return Seen(requests, errors, Histogram(LATENCY_BOUNDS, tuple(counts[10:])), answers)


def play(world: World, seed: int) -> Outcome:
    """Roll a version out until it is promoted or taken back."""
    rng, canary, now, before = np.random.default_rng(seed), world.canary, START, 0
    current = Deployment.single("m", OLD, canary.name)
    policy = replace(canary.deploy(Package(None, "onnx", "m", NEW), current), since=now)  # type: ignore[arg-type]
    while True:
        share = next(route.weight for route in policy.routes if route.arm == ARM)
        following, asked = _step(world, policy, Arms(world, share, rng), now)
        before += asked
        if following is None:
            return Outcome("neither", before)
        now += timedelta(days=1)
        policy = replace(following, since=now)
        if tried(policy, ARM) is None:
            against = [name for name, told in policy.figures["guards"].items() if told["against"]]
            return Outcome("promoted" if policy.version == NEW else "taken back", before, ", ".join(against))


def _step(world: World, policy: Deployment, arms: Arms, began: datetime) -> tuple[Deployment | None, int]:
    passed = 0
    for one, other in arms.seconds():
        for place in np.flatnonzero(_may_move(arms, one, other, passed)):
            now = began + timedelta(seconds=passed + int(place) + 1)
            seen = arms.seen(one[place], other[place], passed + int(place))
            following = world.canary.follow(policy, seen, now)
            if following is not None:
                return following, int(one[place, 0])
        passed += CHUNK
    return None, int(one[-1, 0])


def _may_move(arms: Arms, one: np.ndarray, other: np.ndarray, passed: int) -> np.ndarray:
    """Return at which seconds a deployer must be asked: at all others `follow` says None, and asking it is slow.

    Then the step is not over, and no guard sees a difference of the size that it minds, or enough evidence.
    """
    canary = arms.world.canary
    wait = span_of(canary.wait).total_seconds()
    over = (passed + 1 + np.arange(len(one)) >= wait) & (one[:, 0] >= canary.least)
    requests = [np.maximum(each[:, 0], 1) for each in (one, other)]
    fails = one[:, 1] / requests[0] - other[:, 1] / requests[1] > canary.errors
    times = [np.cumsum(each[:, 12:], axis=1) for each in (one, other)]
    reached = [(each < 0.99 * each[:, -1:]).sum(axis=1) for each in times]
    bounds = np.array([*LATENCY_BOUNDS, np.inf])
    slow = bounds[reached[0]] > bounds[reached[1]] * canary.latency
    counts = [each[:, 2:12] * arms.worth(each[:, 0], side)[:, None] for side, each in enumerate((one, other))]
    enough = (np.minimum(one[:, 0], other[:, 0]) >= FEWEST) & (slow | (fails & (one[:, 1] >= FEWEST_ERRORS)))
    return over | enough | (_unlike(*counts) > -math.log(canary.risk))


def _unlike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return `log_unlike` of each second; no guard asks for as little as the whole rollout's risk allows."""
    new, live = (np.maximum(each.sum(axis=1), 1e-9) for each in (one, other))
    share = new / (new + live)
    a, b = np.full(len(one), PSEUDO)[:, None], (PSEUDO * (1 - share) / share)[:, None]
    mixed = (betaln(a + one, b + other) - betaln(a, b)).sum(axis=1)
    return mixed - new * np.log(share) - live * np.log(1 - share)


def at(percent: float) -> CanaryDeployer:
    """Return a canary that stays at one share for 1,000 requests, at the risk that a step of the usual three has."""
    return CanaryDeployer(steps=(percent, 100), wait="1s", least=1000, risk=0.01 / 3)


ALIKE = (
    World("20 requests a second", rate=20),
    World("100 a second"),
    World("1,000 a second", rate=1000),
    World("no error", errors=(0, 0)),
    World("2 % errors", errors=(0.02, 0.02)),
    World(
        "2 % errors, 10 % then 50 %",
        errors=(0.02, 0.02),
        canary=CanaryDeployer(steps=(10, 50), wait="5m", quality=None),
    ),
    World("outages, of both at once", outages=True),
    World("keys decide", errors=(0.02, 0.02), sticky=True, canary=BY_KEY),
    World("keys decide, and are unlike", errors=(0.02, 0.02), sticky=True, own=0.02, canary=BY_KEY),
    World("keys decide, and are unlike; known", errors=(0.02, 0.02), sticky=True, own=0.02, known=True, canary=BY_KEY),
    World(
        "keys decide, and are very unlike; known", errors=(0.02, 0.02), sticky=True, own=0.2, known=True, canary=BY_KEY
    ),
)
WORSE = tuple(
    replace(world, told=f"{world.told}, at {percent:g} %", rate=500 / percent, canary=at(percent))
    for percent in (1, 5, 25, 50)
    for world in (
        World("2 % fail, none before", errors=(0, 0.02)),
        World("2 % fail, 0.1 % before", errors=(0.001, 0.02)),
        World("answers shifted by .2", shifted=0.2),
        World("twice as slow", slower=2),
    )
) + tuple(
    World(
        f"2 % fail, none before, at {percent:g} %; keys decide, and are unlike; known",
        rate=500 / percent,
        errors=(0, 0.02),
        sticky=True,
        own=0.02,
        known=True,
        canary=replace(at(percent), key="k"),
    )
    for percent in (5, 25, 50)
)


def table(worlds: Sequence[World], seeds: int) -> Iterator[dict[str, Any]]:
    """Yield what became of the rollouts of each world."""
    for world in worlds:
        found = [play(world, seed) for seed in range(seeds)]
        back = [one.requests for one in found if one.end == "taken back"]
        guards = sorted({one.guard for one in found if one.guard})
        yield {
            "world": world.told,
            "seeds": seeds,
            "taken_back": len(back) / seeds,
            "promoted": sum(one.end == "promoted" for one in found) / seeds,
            "within_1000": sum(count <= 1000 for count in back) / seeds,
            "requests": [int(q) for q in np.quantile(back, [0.5, 0.9, 0.99, 1.0])] if back else [],
            "by": {name: sum(one.guard == name for one in found) for name in guards},
        }


@dataclass(frozen=True)
class Labels:
    """An A/B test of mistakes, of which 20 % of A's answers are; looked at after every 20 labels of each arm."""

    told: str
    better: float = 0.0
    """By how much less B errs."""
    keys: int = 0
    """How many rows each key has on average, with mistakes that are alike; 0: rows have no keys."""
    again: int = 0
    """How many keys each arm has, which come again and again; 0: all rows of a key come together."""
    most: int = 10_000
    every: int = 20


def verdict(labels: Labels, seed: int) -> tuple[str, int]:
    """Return who wins at alpha .05, and after how many labels of each arm."""
    rng = np.random.default_rng(seed)
    arms = [_looks(rng, share, labels) for share in (0.2, 0.2 - labels.better)]
    for one, other in zip(*arms, strict=True):
        planned = planned_units(one.units + other.units, one.rows + other.rows, 2 * labels.most)
        found = difference(one, other, 0.05, planned)
        if found.low > 0 or found.high < 0:
            return ("B" if found.low > 0 else "A"), int(one.rows)
    return "neither", labels.most


def _looks(rng: np.random.Generator, share: float, labels: Labels) -> list[Estimate]:
    """Return what is known of an arm at each look, from 100 units on."""
    if labels.again:
        return _looks_at_keys(rng, share, labels)
    units = labels.most if not labels.keys else labels.most // labels.keys
    rows = np.ones(units) if not labels.keys else rng.geometric(1 / labels.keys, units)
    of_unit = np.full(units, share) if not labels.keys else rng.beta(2 * share, 2 * (1 - share), units)
    loss = rng.binomial(rows.astype(int), of_unit)
    sums = [np.cumsum(each, dtype=float) for each in (rows, loss, rows * rows, rows * loss, loss * loss)]
    places = range(max(100, labels.every) - 1, units, labels.every)
    return [_estimate(place + 1, *(float(each[place]) for each in sums)) for place in places]


def _looks_at_keys(rng: np.random.Generator, share: float, labels: Labels) -> list[Estimate]:
    of_key = rng.beta(2 * share, 2 * (1 - share), labels.again)
    key = rng.integers(labels.again, size=labels.most)
    wrong, found = rng.random(labels.most) < of_key[key], []
    for seen in range(labels.every, labels.most + 1, labels.every):
        rows = np.bincount(key[:seen]).astype(float)
        loss, rows = np.bincount(key[:seen], wrong[:seen])[rows > 0], rows[rows > 0]
        if len(rows) >= 100:
            sums = (rows.sum(), loss.sum(), (rows * rows).sum(), (rows * loss).sum(), (loss * loss).sum())
            found.append(_estimate(len(rows), *map(float, sums)))
    return found


def _estimate(units: int, rows: float, loss: float, rows2: float, both: float, loss2: float) -> Estimate:
    mean = loss / rows
    off = loss2 - 2 * mean * both + mean**2 * rows2
    return Estimate(int(rows), units, mean, off / rows**2 * units / (units - 1) * units)


TESTS = (
    Labels("nothing, no key"),
    Labels("nothing, 10 rows a key", keys=10),
    Labels("nothing, 300 keys that come again", again=300, every=100),
    Labels("2 %, no key", better=0.02),
    Labels("4 %, no key", better=0.04),
    Labels("4 %, 10 rows a key", better=0.04, keys=10),
    Labels("6 %, 10 rows a key", better=0.06, keys=10),
    Labels("6 %, 1,000 keys that come again", better=0.06, again=1000, every=100),
)


def verdicts(seeds: int) -> Iterator[dict[str, Any]]:
    """Yield how A/B tests end, where arms are alike and where B is better."""
    for labels in TESTS:
        found = [verdict(labels, seed) for seed in range(seeds)]
        ends = [rows for who, rows in found if who == "B"]
        yield {
            "b_less_mistakes": labels.told,
            "seeds": seeds,
            "A": sum(who == "A" for who, _ in found) / seeds,
            "B": len(ends) / seeds,
            "labels": [int(q) for q in np.quantile(ends, [0.5, 0.9])] if ends else [],
        }


def main() -> None:
    """Print one line of JSON a row of the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, default=1000)
    options.add_argument("--only", choices=("alike", "worse", "ab"))
    told = options.parse_args()
    parts = {
        "alike": lambda: table(ALIKE, told.seeds),
        "worse": lambda: table(WORSE, told.seeds),
        "ab": lambda: verdicts(told.seeds),
    }
    for name, rows in parts.items():
        if told.only in (None, name):
            for row in rows():
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
