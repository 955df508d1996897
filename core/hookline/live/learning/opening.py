"""What opens a retraining, and what keeps it from being opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import takewhile
from typing import Any

from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.catalog.retrainings import FRUITLESS, Retraining
from hookline.workspace.catalog.watching.alarms import Alarm
from hookline.workspace.workspace import Workspace

from ..log.times import span_of
from ..watching.alarms.alarming import is_muted
from .censoring import censored
from .challengers.lessons import Bound, Told, learned_by, log_of
from .rules import RetrainRules

WEEK = timedelta(days=7)
HAND = "hand"


@dataclass(frozen=True)
class Opening:
    """Why a retraining is to be opened, and what it may learn."""

    opened: Mapping[str, Any]
    bound: Bound
    objections: tuple[str, ...] = ()
    """What keeps it from being opened, a clause each."""
    warnings: tuple[str, ...] = ()
    since: datetime | None = field(default=None)
    """Answers given before it are not learned by a run, where a window says so."""

    @property
    def lesson(self) -> dict[str, Any]:
        """Return what is learned, as a retraining keeps it."""
        return {**self.bound.plain, "since": None if self.since is None else self.since.isoformat()}


@dataclass(frozen=True)
class Opener:
    """Looks whether a model is to be retrained."""

    workspace: Workspace
    model: str
    rules: RetrainRules
    champion: ModelRecord
    read: Callable[[], Told]
    """Reads the rows on record: only once it is known that they matter, since there may be many."""
    now: datetime

    @cached_property
    def told(self) -> Told:
        """The rows on record whose truth is known."""
        return self.read()

    def by_itself(self) -> Opening | None:
        """Return the retraining that an alarm, the time or labels open, with what keeps it from that; None of none."""
        reason = self._alarm() or self._schedule() or self._labels()
        if reason is None:
            return None
        return self._opening(reason, [*self._rails(), *self._few()])

    def by_hand(self, who: str, why: str | None) -> Opening:
        """Return the retraining that a person opens."""
        said = f"{who}, by hand" + (f": {why}" if why else "")
        return self._opening({"what": HAND, "said": said, "who": who, "why": why}, self._few())

    @property
    def bound(self) -> Bound:
        """Which rows may be learned now."""
        lag = span_of(self.rules.guards.lag, "retrain.guards.lag")
        return Bound(self.workspace.catalog.labels.last(self.model), self.now - lag if lag else None)

    def fresh(self) -> int:
        """Return how many rows on record have their truth and were learned by nobody yet."""
        return len(self.told.fresh(learned_by(self.workspace, self.champion), self.bound))

    def _opening(self, reason: Mapping[str, Any], objections: Sequence[str]) -> Opening:
        window = self.rules.window
        since = None if window is None else self.now - span_of(window, "retrain.window")
        found = self._censored()
        refuses = self.rules.guards.on_censored == "refuse"
        against = (*objections, *(found if refuses else ()))
        return Opening(reason, self.bound, against, () if refuses else found, since)

    def _alarm(self) -> dict[str, Any] | None:
        """Return the newest open alarm that opens one, unless it has done so and was not told again since."""
        catalog, wanted = self.workspace.catalog, self.rules.when.finding
        mutes = catalog.alarms.mutes(self.model) if wanted else []
        for alarm in catalog.alarms.of(self.model) if wanted else []:
            named = {"all", alarm.monitor, f"{alarm.monitor}:{alarm.subject}"}
            if named & set(wanted) and not is_muted(mutes, alarm, self.now) and not self._is_used(alarm):
                said = f"alarm {alarm.number} ({alarm.monitor}): {alarm.finding.message.rstrip('.')}"
                return {"what": "finding", "alarm": alarm.number, "said": said}
        return None

    def _is_used(self, alarm: Alarm) -> bool:
        used = next((one for one in self._past if one.opened.get("alarm") == alarm.number), None)
        return used is not None and (alarm.told is None or used.changed is None or alarm.told <= used.changed)

    def _schedule(self) -> dict[str, Any] | None:
        every = self.rules.when.every
        last = max(filter(None, [self.champion.created, *(one.began for one in self._past[:1])]))
        if every is None or self.now - last < span_of(every, "retrain.when.every"):
            return None
        return {"what": "schedule", "said": f"the time: {every} since {last:%Y-%m-%d %H:%M} UTC"}

    def _labels(self) -> dict[str, Any] | None:
        wanted = self.rules.when.labels
        if wanted is None:
            return None
        used = Bound(max([0, *(int(one.lesson.get("upto", 0)) for one in self._past)]))
        learned = learned_by(self.workspace, self.champion)
        known = used if used.upto > learned.upto else learned
        if known.until is None and self.bound.upto - known.upto < wanted:
            return None
        count = len(self.told.fresh(known, self.bound))
        return {"what": "labels", "said": f"{count:,} new labels"} if count >= wanted else None

    def _few(self) -> list[str]:
        """Say where there is too little to learn from; a run on its source alone needs nothing on record."""
        if self.rules.policy == "batch" and self.rules.rows == "source":
            return []
        fresh, least = self.fresh(), self.rules.guards.least
        return (
            [] if fresh >= least else [f"{fresh:,} rows on record have their truth and are new, {least:,} are wanted"]
        )

    def _rails(self) -> Iterator[str]:
        guards = self.rules.guards
        failed = len(list(takewhile(lambda one: one.status in FRUITLESS, self._past)))
        if failed >= guards.failures:
            yield f"the last {failed} came to nothing, and {guards.failures} in a row are the most"
        lately = sum(one.began is not None and one.began > self.now - WEEK for one in self._past)
        if lately >= guards.a_week:
            yield f"{lately} were opened within a week, and {guards.a_week} are the most"

    def _censored(self) -> tuple[str, ...]:
        guards = self.rules.guards
        if guards.on_censored == "off" or not self.told.package.target.classes or self.told.frame.is_empty():
            return ()
        said = censored(log_of(self.workspace, self.model), self.told, guards.exploration, self.bound.until)
        return () if said is None else (said,)

    @property
    def _past(self) -> Sequence[Retraining]:
        return self.workspace.catalog.retrainings.of(self.model)
