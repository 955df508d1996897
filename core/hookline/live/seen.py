"""What was seen of the versions that answer: counted by each process of a server, and put together for their deployer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from threading import Lock
from typing import Any

from hookline.kinds.artifacts import Target
from hookline.kinds.deployments import LATENCY_BOUNDS, REFUSED, Histogram, Seen
from hookline.kinds.fitted import label_text
from hookline.kinds.reports import Bins, ColumnProfile
from hookline.kinds.scored import PREDICTION, Scored
from hookline.quality.grouped import worth_in
from hookline.workspace.catalog.sightings import NO_VERSION, REFUSALS, Sighting

MOST_FAILING = 500
"""Keys whose requests failed that a process tells apart; where there are more, errors speak for themselves."""
PLACES = {status: place for place, status in enumerate(REFUSED)}
FAILING = "failing"
"""Where they stand in what is told."""


@dataclass
class AnswerCounts:
    """How often what was answered; both arms of a policy are counted alike, so that they can be compared.

    Of classes by label: what is decided, and not how sure each version is of it, which is the model's own way. Of numbers
    between edges, where the first and the last bin also take what lies beyond.
    """

    edges: tuple[float, ...]
    labels: tuple[str, ...]
    counts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._places = {label: place for place, label in enumerate(self.labels)}

    @classmethod
    def of(cls, target: Target, answers: ColumnProfile | None) -> AnswerCounts:
        """Return counts of nothing yet; answers: their distribution on held-out rows, whose edges numbers are counted between."""
        if target.classes:
            labels = tuple(label_text(label) for label in target.classes)
            return cls((), labels, [0] * len(labels))
        held = answers.bins.edges if answers is not None and answers.bins is not None else ()
        edges = held if len(held) > 1 else (0.0, 1.0)
        return cls(edges, (), [0] * (len(edges) - 1))

    def add(self, prediction: Any) -> None:
        """Count an answer: a label or a number."""
        if self.labels:
            place = self._places.get(prediction if type(prediction) is str else label_text(prediction))
            if place is not None:
                self.counts[place] += 1
        elif isinstance(prediction, (int, float)):
            self.counts[min(max(bisect_left(self.edges, prediction) - 1, 0), len(self.counts) - 1)] += 1

    def plain(self) -> dict[str, Any]:
        """Return the same as plain values."""
        keys = {"labels": list(self.labels)} if self.labels else {"edges": list(self.edges)}
        return {"counts": list(self.counts), **keys}


@dataclass
class ArmCounts:
    """What one process saw of one arm under one policy; any thread may count."""

    answers: AnswerCounts
    requests: int = 0
    errors: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    compared: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    """Those of `latency` that other arms can be held against, since their requests took the same way through the process."""
    failing: set[str] = field(default_factory=set)
    """Digests of the keys whose requests failed, where keys decide who answers; one more than the most means too many."""
    _lock: Lock = field(init=False, default_factory=Lock, repr=False, compare=False)

    def answered(self, seconds: float, prediction: Any, compared: bool = False) -> None:
        """Count a request, and of its answers the first, since rows of one request are alike."""
        place = bisect_left(LATENCY_BOUNDS, seconds)
        with self._lock:
            self.requests += 1
            self.latency[place] += 1
            if compared:
                self.compared[place] += 1
            self.answers.add(prediction)

    def failed(self, key: str | None = None) -> None:
        """Count a request that could not be answered. key: the value that decided who was to, where one did"""
        with self._lock:
            self.requests += 1
            self.errors += 1
            if key is not None and len(self.failing) <= MOST_FAILING:
                # Short, since it is only to be told apart from a few hundred others.
                self.failing.add(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest())

    def add(self, requests: int, errors: int, latency: Sequence[int], answers: Sequence[int]) -> None:
        """Add what another process counted between the same edges, and whose times are compared with no others."""
        with self._lock:
            self.requests += requests
            self.errors += errors
            self.latency = [*map(sum, zip(self.latency, latency, strict=True))]
            self.answers.counts = [*map(sum, zip(self.answers.counts, answers, strict=True))]

    def with_those_of(self, other: ArmCounts) -> ArmCounts:
        """Return both together but for what was answered, whose edges may differ."""
        latency = [*map(sum, zip(self.latency, other.latency, strict=True))]
        return replace(
            self, requests=self.requests + other.requests, errors=self.errors + other.errors, latency=latency
        )

    def sighting(self, model: str, policy: int, version: int, arm: str, worker: str) -> Sighting:
        """Return them as the catalog keeps them."""
        with self._lock:
            told = (self.requests, self.errors, list(self.latency), list(self.compared), self._plain())
        return Sighting(model, policy, version, arm, worker, *told)

    def _plain(self) -> dict[str, Any]:
        known = 0 < len(self.failing) <= MOST_FAILING
        return self.answers.plain() | ({FAILING: sorted(self.failing)} if known else {})


@dataclass
class Refusals:
    """How many requests one process refused under one policy before any version answered, by status; one thread counts."""

    counts: list[int] = field(default_factory=lambda: [0] * len(REFUSED))
    """In the order of `REFUSED`: however many are refused, it stays as long."""

    def add(self, status: int) -> None:
        """Count an answer, unless its status says something else."""
        place = PLACES.get(status)
        if place is not None:
            self.counts[place] += 1

    def include(self, other: Refusals) -> None:
        """Add what others are."""
        self.counts = [*map(sum, zip(self.counts, other.counts, strict=True))]

    @property
    def requests(self) -> int:
        """How many there are in all."""
        return sum(self.counts)

    def sighting(self, model: str, policy: int, worker: str) -> Sighting:
        """Return them as the catalog keeps them."""
        counts = [*self.counts]
        return Sighting(model, policy, NO_VERSION, REFUSALS, worker, sum(counts), 0, counts, (), {})


def seen_in(
    sightings: Iterable[Sighting], scored: Mapping[int, Scored] | None = None, worth: float = 1.0
) -> dict[int, Seen]:
    """Return what was seen of each version by all processes together.

    scored: version -> its answers with the truth; worth: how many independent answers one is worth, at most 1
    Their latency is of requests that took the same way through a process, where there are such.
    """
    by_version: dict[int, list[Sighting]] = {}
    for one in sightings:
        by_version.setdefault(one.version, []).append(one)
    compared = any(sum(one.compared) for found in by_version.values() for one in found)
    return {
        version: _together(found, compared, worth, (scored or {}).get(version)) for version, found in by_version.items()
    }


def worth_of_keys(records: Sequence[Mapping[str, Any]]) -> float:
    """Return how many independent answers one is worth, at most 1, where answers of one key may be alike (`worth_in`)."""
    import polars as pl

    given = [record for record in records if record.get("of") is None and record.get("key") is not None]
    if not given:
        return 1.0
    answers = pl.Series([record["prediction"] for record in given], strict=False)
    table = pl.LazyFrame({"answer": answers, "key": [str(record["key"]) for record in given]})
    return worth_in(table, "answer", "key")


def _together(found: Sequence[Sighting], compared: bool, worth: float, scored: Scored | None) -> Seen:
    requests, errors = (sum(getattr(one, name) for one in found) for name in ("requests", "errors"))
    latency = Histogram(LATENCY_BOUNDS, _added([one.compared if compared else one.latency for one in found]))
    answers = _answers([one.answers for one in found])
    return Seen(requests, errors, latency, answers and replace(answers, independent=worth), scored, _failing(found))


def _failing(found: Sequence[Sighting]) -> frozenset[str] | None:
    told = [one.answers.get(FAILING) for one in found if one.errors]
    return None if None in told else frozenset(key for keys in told for key in keys or ())


def _added(counts: Sequence[Sequence[int]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*counts, strict=True))) or (0,) * (len(LATENCY_BOUNDS) + 1)


def _answers(told: Sequence[Mapping[str, Any]]) -> ColumnProfile | None:
    """Return the distribution of answers; those that were counted between other edges than the most are left out."""
    keyed = [(str(one.get("labels") or one.get("edges")), one) for one in told if sum(one.get("counts", ()))]
    if not keyed:
        return None
    most = max(keyed, key=lambda pair: sum(pair[1]["counts"]))[0]
    alike = [one for key, one in keyed if key == most]
    counts, first = tuple(map(sum, zip(*(one["counts"] for one in alike), strict=True))), alike[0]
    count, distinct = sum(counts), sum(number > 0 for number in counts)
    if "labels" in first:
        top = sorted(zip(first["labels"], counts, strict=True), key=lambda pair: -pair[1])
        return ColumnProfile(PREDICTION, "String", "string", count, 0, distinct, top=tuple(top))
    bins = Bins(tuple(first["edges"]), counts)
    return ColumnProfile(PREDICTION, "Float64", "number", count, 0, distinct, bins=bins)
