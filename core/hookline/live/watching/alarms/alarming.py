"""When a finding becomes an alarm, is told again, and is over: a function of the newest windows and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf, isfinite

from hookline.kinds.reports import SEVERITIES, Finding, at_least
from hookline.workspace.catalog.watching.alarms import Alarm, Mute, What
from hookline.workspace.catalog.watching.windows import Change, Standing, Window

from ..rules import WatchRules
from .costs import cost_of


@dataclass(frozen=True)
class Judge:
    """Says what becomes of a model's alarms once a window of a version is kept."""

    rules: WatchRules
    version: int
    now: datetime
    shares: Mapping[str, float]
    """Raw column -> its part in the model's importance."""
    quiet: bool = False
    """Whether nobody is told yet, since a later window follows at once."""

    def changes(self, standing: Standing) -> list[Change]:
        """Return every alarm that stands otherwise afterwards."""
        found = []
        for monitor, windows in standing.recent.items():
            if windows:
                strong = [_strong(window) for window in windows]
                held = {a.subject: a for a in reversed(standing.alarms) if a.monitor == monitor and self._counts(a)}
                for subject in sorted({*strong[-1], *held}):
                    one = _Course(windows, [found.get(subject) for found in strong], standing)
                    change = self._change(one, held.get(subject))
                    found += [] if change is None else [change]
        return found

    def _counts(self, alarm: Alarm) -> bool:
        """Tell whether an alarm is open, or was over for so short that it is still the same."""
        return alarm.status == "open" or (alarm.closed is not None and alarm.closed + self.rules.again > self.now)

    def _change(self, course: _Course, alarm: Alarm | None) -> Change | None:
        if alarm is not None and alarm.status == "open":
            return self._further(course, alarm) if course.finding else self._over(course, alarm)
        bound = self.rules.critical if course.is_critical else self.rules.persist
        if course.finding is None or course.run < bound:
            return None
        since = course.windows[-course.run].since
        if alarm is None:
            last = course.windows[-1]
            alarm = Alarm(
                last.model, self.version, last.monitor, course.finding.subject, course.finding, 0, since, since
            )
        # What comes back soon is no news, unless it is worse than what was told.
        back = replace(self._seen(course, alarm), status="open", closed=None, since=since, acked_by=None)
        return self._told(course, back, "opened", is_due=alarm.told is None or self._is_due(course, alarm))

    def _further(self, course: _Course, alarm: Alarm) -> Change:
        seen = self._seen(course, alarm)
        if alarm.told is None:
            return self._told(course, seen, None, is_due=True)
        if self._is_worse(course, alarm):
            return self._told(course, seen, "worse", is_due=True)
        return self._told(course, seen, "again" if self._is_old(alarm) else None, is_due=self._is_old(alarm))

    def _over(self, course: _Course, alarm: Alarm) -> Change | None:
        gone = course.gone >= self.rules.persist and self._is_about(course, alarm)
        if not gone:
            return None
        over = replace(alarm, status="closed", closed=self.now)
        # Who was not told that it came back is not told that it is over.
        known = alarm.told is not None and alarm.told >= alarm.since
        is_told = known and not self.quiet and not self._is_muted(course, alarm)
        return Change(over, course.windows[-1].until, "closed", is_told)

    def _is_about(self, course: _Course, alarm: Alarm) -> bool:
        """Tell whether these windows say that an alarm is over: of its version, or after that answered for the last time."""
        if alarm.version == self.version:
            return True
        last = course.standing.ends.get(alarm.version)
        return last is None or last <= course.windows[-self.rules.persist].since

    def _seen(self, course: _Course, alarm: Alarm) -> Alarm:
        assert course.finding is not None
        last, cost = course.windows[-1], cost_of(course.finding, self.shares)
        changed = replace(alarm, finding=course.finding, rows=last.rows, seen=last.until, cost=cost)
        return replace(changed, version=self.version)

    def _told(self, course: _Course, alarm: Alarm, what: What | None, *, is_due: bool) -> Change:
        """Return a change that people are told of if they are to be now; what is held back from them is told later."""
        is_told = is_due and not self.quiet and not self._is_muted(course, alarm)
        if is_told:
            alarm = replace(alarm, told=self.now, told_finding=alarm.finding)
        noted: What | None = what if is_told or what == "opened" else None
        return Change(alarm, course.windows[-1].until, noted, is_told)

    def _is_due(self, course: _Course, alarm: Alarm) -> bool:
        return self._is_worse(course, alarm) or self._is_old(alarm)

    def _is_old(self, alarm: Alarm) -> bool:
        return alarm.acked_by is None and alarm.told is not None and alarm.told + self.rules.again <= self.now

    def _is_worse(self, course: _Course, alarm: Alarm) -> bool:
        """Tell whether all of the newest windows are clearly beyond what was told, or it has become critical."""
        told = alarm.told_finding
        if told is None or course.finding is None:
            return False
        if course.is_critical and told.severity != "critical":
            return True
        newest = course.findings[-self.rules.persist :]
        bound = size_of(told) * self.rules.worse
        return course.run >= self.rules.persist and all(one and size_of(one) >= bound for one in newest)

    def _is_muted(self, course: _Course, alarm: Alarm) -> bool:
        return is_muted(course.standing.mutes, alarm, self.now)


@dataclass(frozen=True)
class _Course:
    """What was found of one subject in the newest windows, in the order of time."""

    windows: Sequence[Window]
    findings: Sequence[Finding | None]
    standing: Standing

    @property
    def finding(self) -> Finding | None:
        """The newest, or None where it was not found in the newest window."""
        return self.findings[-1]

    @property
    def is_critical(self) -> bool:
        return self.finding is not None and self.finding.severity == "critical"

    @property
    def run(self) -> int:
        """In how many of the newest windows in a row it was found."""
        return next((n for n, one in enumerate(reversed(self.findings)) if one is None), len(self.findings))

    @property
    def gone(self) -> int:
        """In how many of the newest windows in a row it was not found."""
        return next((n for n, one in enumerate(reversed(self.findings)) if one), len(self.findings))


def size_of(finding: Finding) -> float:
    """Return how many times as far as its threshold a finding is: at least 1, whichever side of it is the bad one."""
    if not (isfinite(finding.value) and isfinite(finding.threshold)):
        return inf
    if finding.threshold == 0:
        return max(1.0, abs(finding.value))
    ratio = abs(finding.value / finding.threshold)
    return ratio if ratio >= 1 else 1 / ratio if ratio else inf


def is_muted(mutes: Sequence[Mute], alarm: Alarm, now: datetime) -> bool:
    """Tell whether nobody wants to be told of an alarm at a moment."""
    return any(mute.covers(alarm.monitor, alarm.subject, now) for mute in mutes)


def _strong(window: Window) -> dict[str, Finding]:
    """Return the worst finding of each subject, of those that are more than a note."""
    strong = [finding for finding in window.findings if at_least(finding.severity, "warning")]
    ordered = sorted(strong, key=lambda one: (SEVERITIES.index(one.severity), size_of(one)))
    return {finding.subject: finding for finding in ordered}
