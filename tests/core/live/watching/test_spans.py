"""A log divided into windows: aligned, each answer in one, and those with too few joined."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hookline.live.log.predictions import Predictions
from hookline.live.watching.rules import WatchRules
from hookline.live.watching.spans import Counts, Span, spans
from kit.logs import plain_record, write_log

START = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = WatchRules(least=100)


def cells(*counts: int) -> dict[datetime, int]:
    return {START + place * HOUR: count for place, count in enumerate(counts) if count}


def at(hours: float) -> datetime:
    return START + hours * HOUR


def test_each_hour_is_a_window_once_it_is_over() -> None:
    found = spans(cells(100, 200, 300), None, at(2.5), RULES)
    assert found == [Span(at(0), at(1), 100), Span(at(1), at(2), 200)]
    # The last moments of an hour may not be on record yet.
    assert spans(cells(100, 200), None, at(2) + timedelta(seconds=30), RULES) == found[:1]


def test_a_window_with_too_few_answers_runs_on_and_quiet_hours_belong_to_none() -> None:
    assert spans(cells(0, 0, 40, 0, 60, 99), None, at(9), RULES) == [Span(at(2), at(5), 100)]
    assert spans(cells(40, 59), None, at(9), RULES) == []


def test_what_was_looked_at_is_not_looked_at_again() -> None:
    assert spans(cells(100, 100, 100), at(2), at(9), RULES) == [Span(at(2), at(3), 100)]
    assert spans(cells(100, 100, 100), at(1.5), at(9), RULES)[0] == Span(at(1.5), at(2), 100)
    assert spans(cells(100, 100), at(2), at(9), RULES) == []


def test_looking_often_finds_the_windows_that_looking_once_finds() -> None:
    draw = random.Random(7)
    for _ in range(100):
        counts, step = [draw.randint(0, 150) for _ in range(draw.randint(0, 30))], draw.randint(1, 20)
        end, often = None, list[Span]()
        for hour in range(0, len(counts) + step + 1, step):
            found = spans(cells(*counts), end, at(hour + 0.5), RULES)
            often += found
            end = found[-1].until if found else end
        assert often == spans(cells(*counts), None, at(len(counts) + step), RULES)
        assert all(one.until <= two.since for one, two in pairwise(often))
        assert sum(span.rows for span in often) + RULES.least > sum(counts)


def test_answers_are_counted_by_version_and_a_file_is_read_once(tmp_path: Path) -> None:
    first = [plain_record(n, at(n / 10)) for n in range(15)]
    second = [plain_record(n, at(1.2), version=2) for n in range(15, 18)]
    others = [
        plain_record(18, at(1.2), of="p-1"),
        plain_record(19, at(1.2), arm="batch"),
        plain_record(20, at(0), version=None),
    ]
    write_log(tmp_path, [*first, *second, *others])
    counts, log = Counts(HOUR), Predictions("plain", tmp_path)
    assert counts.of(log) == {1: {at(0): 10, at(1): 5}, 2: {at(1): 3}}
    held = next(iter(counts._known.values()))
    write_log(tmp_path, [plain_record(30, at(26))])
    assert counts.of(log)[1] == {at(0): 10, at(1): 5, at(26): 1}
    assert any(one is held for one in counts._known.values())
