"""When a finding becomes an alarm, is told, told again, and over: decided by the newest windows of a monitor."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from hookline.kinds.reports import Finding, Severity
from hookline.live.watching.alarms.alarming import Judge, size_of
from hookline.live.watching.rules import WatchRules
from hookline.workspace.catalog.watching.alarms import Alarm, Mute
from hookline.workspace.catalog.watching.windows import Change, Standing, Window

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = WatchRules()


def found(value: float = 0.2, severity: Severity = "warning", subject: str = "income") -> Finding:
    return Finding(subject, "distance", value, 0.1, severity, f"'{subject}' has moved: {value}")


@dataclass
class Course:
    """A model that is watched window after window, with what the catalog would keep."""

    rules: WatchRules = RULES
    windows: dict[int, list[Window]] = field(default_factory=dict)
    alarms: dict[int, Alarm] = field(default_factory=dict)
    mutes: list[Mute] = field(default_factory=list)
    hour: int = 0

    def see(self, *findings: Finding, version: int = 1, quiet: bool = False) -> list[Change]:
        """Keep the next window, and return what follows."""
        since = START + self.hour * HOUR
        self.hour += 1
        mine = self.windows.setdefault(version, [])
        mine.append(Window("shop", version, "data_drift", since, since + HOUR, 900, {}, findings))
        ends = {number: some[-1].until for number, some in self.windows.items()}
        opened = sorted(self.alarms.values(), key=lambda one: -(one.number or 0))
        standing = Standing({"data_drift": mine[-self.rules.newest :]}, opened, self.mutes, ends)
        judge = Judge(self.rules, version, since + HOUR, {"income": 0.4}, quiet)
        changes = [self._kept(change) for change in judge.changes(standing)]
        self.alarms |= {change.alarm.number or 0: change.alarm for change in changes}
        return changes

    def _kept(self, change: Change) -> Change:
        number = change.alarm.number or len(self.alarms) + 1
        return replace(change, alarm=replace(change.alarm, number=number))


def told(changes: Sequence[Change]) -> list[tuple[str | None, str]]:
    return [(change.what, change.alarm.subject) for change in changes if change.is_told]


def test_a_finding_is_an_alarm_once_it_is_there_in_two_windows_in_a_row() -> None:
    course = Course()
    assert course.see(found()) == []
    assert course.see() == []
    assert course.see(found()) == []
    changes = course.see(found(0.3))
    assert told(changes) == [("opened", "income")]
    alarm = changes[0].alarm
    assert (alarm.since, alarm.seen) == (START + 2 * HOUR, START + 4 * HOUR)
    assert alarm.cost == {"importance": 0.4, "effect": 0.3, "cost": pytest.approx(0.12)}


def test_a_critical_finding_is_an_alarm_at_once_and_a_note_never() -> None:
    course = Course()
    assert told(course.see(found(0.9, "critical"))) == [("opened", "income")]
    course = Course()
    assert [course.see(found(9.0, "info")) for _ in range(5)] == [[]] * 5


def test_an_alarm_is_told_once_and_again_when_clearly_worse() -> None:
    course = Course()
    course.see(found(0.2))
    assert told(course.see(found(0.2))) == [("opened", "income")]
    assert [told(course.see(found(value))) for value in (0.2, 0.25, 0.29)] == [[], [], []]
    # Clearly beyond what was told, but in one window alone.
    assert [told(course.see(found(value))) for value in (0.4, 0.2, 0.4)] == [[], [], []]
    assert told(course.see(found(0.35))) == [("worse", "income")]
    assert [told(course.see(found(value))) for value in (0.4, 0.4)] == [[], []]
    assert told(course.see(found(0.45, "critical"))) == [("worse", "income")]
    assert told(course.see(found(0.45, "critical"))) == []


def test_an_alarm_that_stays_is_told_again_after_the_cool_down_unless_it_is_acknowledged() -> None:
    course = Course(WatchRules(again=5 * HOUR))
    course.see(found())
    assert told(course.see(found())) == [("opened", "income")]
    assert [told(course.see(found())) for _ in range(4)] == [[]] * 4
    assert told(course.see(found())) == [("again", "income")]
    course.alarms[1] = replace(course.alarms[1], acked_by="ada")
    assert [told(course.see(found())) for _ in range(8)] == [[]] * 8
    # Who knows of it is told when it is worse.
    course.see(found(0.9))
    assert told(course.see(found(0.9))) == [("worse", "income")]


def test_an_alarm_is_over_once_it_is_gone_for_two_windows() -> None:
    course = Course()
    course.see(found())
    course.see(found())
    assert course.see() == []
    course.see(found())
    assert course.see() == []
    changes = course.see()
    assert told(changes) == [("closed", "income")]
    assert (changes[0].alarm.status, changes[0].alarm.closed) == ("closed", START + 6 * HOUR)


def test_what_comes_back_soon_is_the_same_alarm_and_not_told_again() -> None:
    course = Course()
    for finding in ([found()], [found()], [], [], [found()]):
        course.see(*finding)
    changes = course.see(found())
    assert [(change.what, change.is_told, change.alarm.number) for change in changes] == [("opened", False, 1)]
    assert changes[0].alarm.status == "open"
    course.see()
    assert [(change.what, change.is_told) for change in course.see()] == [("closed", False)]


def test_what_comes_back_late_is_another_alarm() -> None:
    course = Course(WatchRules(again=3 * HOUR))
    for finding in ([found()], [found()], [], [], [], [], [found()]):
        course.see(*finding)
    assert [(one.what, one.is_told, one.alarm.number) for one in course.see(found())] == [("opened", True, 2)]


def test_nobody_is_told_of_what_is_muted_and_afterwards_they_are() -> None:
    course = Course()
    course.mutes = [Mute("shop", "data_drift", "income", START + 4 * HOUR, "ada")]
    assert course.see(found()) == []
    changes = course.see(found(), found(subject="age"))
    assert [(one.what, one.is_told) for one in changes] == [("opened", False)]
    assert [told(course.see(found(), found(subject="age"))) for _ in range(1)] == [[("opened", "age")]]
    assert told(course.see(found(), found(subject="age"))) == [(None, "income")]


def test_windows_that_are_caught_up_with_tell_only_how_it_stands_at_the_end() -> None:
    course = Course()
    for _ in range(3):
        assert told(course.see(found(), found(subject="age"), quiet=True)) == []
    assert told(course.see(found(), quiet=True)) == []
    assert told(course.see(found())) == [(None, "income")]
    assert {one.subject: one.status for one in course.alarms.values()} == {"income": "open", "age": "closed"}


def test_another_version_ends_an_alarm_only_once_the_first_no_longer_answers() -> None:
    course = Course()
    for _ in range(3):
        course.see(found(), version=1)
        # Of these windows the first is older than the last one of version 1.
        assert course.see(version=2) == []
    assert told(course.see(version=2)) == [("closed", "income")]


def test_of_one_subject_the_worst_finding_counts() -> None:
    course = Course()
    course.see(found(0.2), found(0.15, "critical"))
    assert course.alarms[1].finding.severity == "critical"


@pytest.mark.parametrize(
    ("value", "threshold", "size"), [(0.3, 0.1, 3), (0.6, 0.9, 1.5), (0.001, 0.05, 50), (5, 0, 5), (0.1, 0, 1)]
)
def test_size_is_how_far_a_finding_is_beyond_its_threshold(value: float, threshold: float, size: float) -> None:
    assert size_of(replace(found(value), threshold=threshold)) == pytest.approx(size)


def test_an_alarm_is_never_told_as_new_twice_without_being_over_in_between() -> None:
    draw, lengths = random.Random(7), Counter[bool]()
    for _ in range(60):
        course, stands = Course(WatchRules(persist=draw.randint(1, 4))), False
        for sign in draw.choices(("", "warning", "critical"), (5, 4, 1), k=40):
            here: list[Finding] = [found(0.2, sign)] if sign else []  # type: ignore[arg-type]
            for what, _ in told(course.see(*here)):
                assert what != ("opened" if stands else "closed")
                stands = what != "closed"
                lengths[stands] += 1
            assert len([one for one in course.alarms.values() if one.status == "open"]) <= 1
    assert min(lengths.values()) > 20


def test_what_is_found_by_chance_in_one_window_of_a_hundred_is_an_alarm_less_than_once_a_year() -> None:
    draw, columns, hours, share = random.Random(1), 40, 720, 0.01
    course, opened, single = Course(), 0, 0
    for _ in range(hours):
        chance = [found(subject=f"c{place}") for place in range(columns) if draw.random() < share]
        single += len(chance)
        opened += sum(change.what == "opened" and change.is_told for change in course.see(*chance))
        course.windows[1] = course.windows[1][-2:]
    # Of so many column-months; the square of the share is what two windows in a row come to.
    assert single > 200
    assert opened <= 3 * columns * hours * share**2
