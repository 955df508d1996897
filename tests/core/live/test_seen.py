"""What was seen of the arms of a policy: counted alike, put together, and for no more than it tells."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hookline.kinds.artifacts import Target
from hookline.kinds.deployments import LATENCY_BOUNDS
from hookline.kinds.reports import Bins, ColumnProfile
from hookline.live.seen import MOST_FAILING, AnswerCounts, ArmCounts, seen_in, worth_of_keys
from hookline.workspace.catalog.sightings import Sighting

BINARY = Target("left", "binary", ("no", "yes"))
SEVERAL = Target("kind", "multiclass", ("a", "b", "c"))


def counted(target: Target, shares: list[float], compared: int = 0) -> Sighting:
    """Return what a process saw of answers, the first so many of which can be compared."""
    counts = ArmCounts(AnswerCounts.of(target, None))
    for place, share in enumerate(shares):
        counts.answered(0.003 * (place + 1), "yes" if share > 0.5 else "no", place < compared)
    counts.failed()
    return counts.sighting("churn", 7, 2, "canary", "a")


class Slow(int):
    """A number to which nothing is added without another thread's turn in between."""

    def __add__(self, other: int) -> Slow:
        time.sleep(1e-4)
        return Slow(int(self) + other)


def test_what_threads_count_at_the_same_moment_is_counted_whole() -> None:
    counts = ArmCounts(AnswerCounts.of(BINARY, None), Slow(), Slow())
    counts.latency, counts.compared, counts.answers.counts = ([Slow()] * size for size in (100, 100, 2))

    def count(times: int) -> None:
        for _ in range(times):
            counts.answered(0.01, "yes", compared=True)
            counts.failed()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, [25] * 4))
    assert (counts.requests, counts.errors) == (200, 100)
    assert sum(counts.latency) == sum(counts.compared) == counts.answers.counts[1] == 100
    assert counts.sighting("churn", 7, 2, "canary", "a").requests == 200


def test_the_keys_whose_requests_failed_are_told_apart_by_all_processes_together() -> None:
    told = []
    for worker, keys in (("a", ["c1", "c2", "c1"]), ("b", ["c2", "c3"]), ("c", [])):
        counts = ArmCounts(AnswerCounts.of(BINARY, None))
        counts.answered(0.01, "yes")
        for key in keys:
            counts.failed(key)
        told.append(counts.sighting("churn", 7, 2, "canary", worker))
    seen = seen_in(told)[2]
    assert (seen.errors, len(seen.failing or ())) == (5, 3)
    assert not {"c1", "c2", "c3"} & (seen.failing or frozenset())
    assert seen.answers is not None
    assert seen.answers.count == 3


@pytest.mark.parametrize("key", [None, "many"], ids=["no key", "too many keys"])
def test_of_failures_that_nobody_knows_the_keys_of_nothing_is_said_of_keys(key: str | None) -> None:
    known, other = (ArmCounts(AnswerCounts.of(BINARY, None)) for _ in range(2))
    known.failed("c1")
    for place in range(MOST_FAILING + 1):
        other.failed(key and f"{key}{place}")
    sightings = [one.sighting("churn", 7, 2, "canary", name) for name, one in (("a", known), ("b", other))]
    assert seen_in(sightings)[2].failing is None


def test_processes_are_added_up_by_version() -> None:
    one, other = counted(BINARY, [0.1, 0.9]), replace(counted(BINARY, [0.9]), worker="b")
    seen = seen_in([one, other])[2]
    assert (seen.requests, seen.errors, sum(seen.latency.counts)) == (5, 2, 3)
    assert seen.answers is not None
    assert seen.answers.top == (("yes", 2), ("no", 1))


def test_times_that_can_be_compared_stand_for_all_where_there_are_any() -> None:
    live = replace(counted(BINARY, [0.1, 0.9, 0.5], compared=1), version=1, arm="live")
    seen = seen_in([live, counted(BINARY, [0.5], compared=1)])
    assert [sum(seen[version].latency.counts) for version in (1, 2)] == [1, 1]
    assert sum(seen_in([counted(BINARY, [0.1, 0.9])])[2].latency.counts) == 2


def test_several_classes_are_counted_by_label() -> None:
    counts = ArmCounts(AnswerCounts.of(SEVERAL, None))
    for label in ("b", "c", "b"):
        counts.answered(99 * LATENCY_BOUNDS[-1], label)
    seen = seen_in([counts.sighting("kinds", 1, 1, "live", "a")])[1]
    assert seen.answers is not None
    assert seen.answers.top == (("b", 2), ("c", 1), ("a", 0))
    assert seen.latency.counts[-1] == 3


def test_numbers_are_counted_between_the_edges_of_those_on_held_out_rows_and_beyond() -> None:
    held = ColumnProfile("prediction", "Float64", "number", 4, 0, 4, bins=Bins((0.0, 1.0, 2.0), (2, 2)))
    counts = ArmCounts(AnswerCounts.of(Target("bill", "regression", ()), held))
    for number in (-5.0, 0.5, 1.0, 1.5, 99.0):
        counts.answered(0.001, number)
    seen = seen_in([counts.sighting("bills", 1, 1, "live", "a")])[1]
    assert seen.answers is not None
    assert seen.answers.bins == Bins((0.0, 1.0, 2.0), (3, 2))


def test_answers_of_one_key_that_are_alike_are_worth_less() -> None:
    alike = [{"key": f"c{i % 20}", "prediction": float(i % 20 < 6)} for i in range(400)]
    unlike = [{"key": f"c{i % 20}", "prediction": float(i // 20 % 2)} for i in range(400)]
    assert worth_of_keys(alike) == pytest.approx(1 / 20, rel=0.25)
    assert worth_of_keys(unlike) > 0.5
    assert worth_of_keys([{"key": None, "prediction": 1.0}]) == 1.0
    shadows = [{**record, "of": "x"} for record in alike]
    assert worth_of_keys(shadows) == 1.0
    assert seen_in([counted(BINARY, [0.1])], worth=0.25)[2].answers == replace(
        seen_in([counted(BINARY, [0.1])])[2].answers, independent=0.25
    )
