"""Looks at a model's log: each window once, all of it or nothing, and again where labels came since."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hookline.errors import HooklineError, StoreError
from hookline.kinds.hooks import ModelInfo
from hookline.kinds.kinds import Monitor
from hookline.kinds.plain import to_json
from hookline.kinds.reports import Finding, Report, at_least
from hookline.packages.manifest import read_manifest
from hookline.registry.registry import Registry
from hookline.runs.names import find
from hookline.telling.secrets import logger, redacted
from hookline.workspace.catalog.watching.outbox import Letter
from hookline.workspace.catalog.watching.windows import Change, Outcome, Window
from hookline.workspace.workspace import Workspace

from ..log.predictions import Predictions, predictions_in
from ..monitoring import (
    DEFAULT,
    Monitors,
    built_monitors,
    monitor_window,
    tell_findings,
    traffic_report,
    wants_answers,
    wants_traffic,
)
from ..traffic import failures, traffic_of
from .alarms.alarming import Judge
from .alarms.costs import shares_of
from .alarms.wording import letters_of
from .late import came_late
from .rules import WatchRules
from .spans import Cells, Counts, Span, spans

log = logger("hookline.live")

MOST_FIGURES = 64 * 1024
"""Letters of a window's figures as JSON; beyond them charts are left out, then tables."""
PRUNED = timedelta(days=1)
"""How often what is over for long is taken out of the catalog."""
FAILED = "failed"
"""The statistic of the finding that a monitor could not look."""


@dataclass(frozen=True)
class Looked:
    """What one look came to."""

    windows: Sequence[Window] = ()
    """What was kept, a record a monitor."""
    changes: Sequence[Change] = ()
    skipped: Mapping[int, int] = field(default_factory=dict)
    """Version -> windows that were left out, since nobody watched for too long."""


@dataclass
class Watcher:
    """Looks at the windows of one model, as far as nobody has."""

    workspace: Workspace
    registry: Registry
    model: str
    rules: WatchRules
    monitors: Monitors | None = None
    """None: those that each version was trained with, with their fields."""
    channels: Sequence[str] = ()
    """By name, of those that alarms are told over."""
    _known: dict[int, Known] = field(default_factory=dict)
    _counts: Counts | None = None
    _pruned: datetime | None = None
    _lost: set[int] = field(default_factory=set)

    def look(self, now: datetime | None = None) -> Looked:
        """Look at every window that is over, in the order of time, and again at those whose labels came.

        Raises what the catalog and the log raise; what a monitor raises is kept with its window.
        """
        now = now or datetime.now(UTC)
        catalog = self.workspace.catalog
        catalog.database.require_same()
        # Before anything is read: a label that comes meanwhile is looked for the next time.
        labels = catalog.labels.last(self.model)
        due, skipped = self._due(now)
        kept: list[Looked] = []
        for version, found in due.items():
            if found and self._is_known(version):
                kept += self._keep_all(version, found, labels, now, again=False)
        for version, found in came_late(self.workspace, self._log(now), self.rules, labels, self._waits).items():
            kept += self._keep_all(version, found, labels, now, again=True)
        if self._pruned is None or self._pruned + PRUNED <= now:
            catalog.old.forget(self.model, now - self.rules.keep)
            self._pruned = now
        windows = [window for one in kept for window in one.windows]
        return Looked(windows, [change for one in kept for change in one.changes], skipped)

    def _due(self, now: datetime) -> tuple[dict[int, list[Span]], dict[int, int]]:
        """Return the windows that nobody has looked at by version, and how many are left out."""
        self._counts = self._counts or Counts(self.rules.every)
        due: dict[int, list[Span]] = {}
        skipped: dict[int, int] = {}
        answered, failed = self._counts.of(self._log(now)), self._failed(now)
        for version in sorted({*answered, *failed}):
            end = self.workspace.catalog.windows.end(self.model, version)
            found = spans(answered.get(version, {}), end, now, self.rules, failed.get(version, {}))
            left = len(found) - self.rules.catch_up
            if left > 0:
                skipped[version] = left
                first = f"{found[left].since:%Y-%m-%d %H:%M} UTC"
                log.warning("%s:%s: %s windows before %s are left out", self.model, version, left, first)
            due[version] = found[max(0, left) :]
        return due, skipped

    def _failed(self, now: datetime) -> Mapping[int, Cells]:
        """Return the requests that failed, of versions that somebody looks at requests of."""
        told = failures(self.workspace, self.model, now - self.rules.reach, self.rules.every)
        return {version: cells for version, cells in told.items() if self._looks_at_requests(version)}

    def _looks_at_requests(self, version: int) -> bool:
        return self._is_known(version) and any(map(wants_traffic, self._of_version(version).monitors.values()))

    def _log(self, now: datetime) -> Predictions:
        return replace(
            predictions_in(self.workspace, self.model), since=now - self.rules.reach, given=True, served=True
        )

    def _waits(self, window: Window) -> bool:
        """Tell whether a window is looked at again once labels come: its monitor judges answers."""
        monitors = self._of_version(window.version).monitors if self._is_known(window.version) else {}
        return window.monitor in monitors and wants_answers(monitors[window.monitor])

    def _is_known(self, version: int) -> bool:
        """Tell whether a version's package and monitors are there; others are watched all the same, and it is said once."""
        try:
            self._of_version(version)
        except HooklineError as error:
            if version not in self._lost:
                log.error("%s:%s cannot be watched, and other versions are: %s", self.model, version, error)
            self._lost.add(version)
            return False
        return True

    def _keep_all(
        self, version: int, found: Sequence[Span], labels: int, now: datetime, *, again: bool
    ) -> Iterable[Looked]:
        for place, span in enumerate(found):
            yield self._keep(version, span, labels, now, quiet=place < len(found) - 1, again=again)

    def _keep(self, version: int, span: Span, labels: int, now: datetime, *, quiet: bool, again: bool) -> Looked:
        """Have the monitors look at one window, and keep what they say with what follows from it."""
        known = self._of_version(version)
        asked = {name: one for name, one in known.monitors.items() if not again or wants_answers(one)}
        said = self._said(version, span, asked)
        windows = [self._window(version, span, labels, name, told) for name, told in said.items()]
        judge = Judge(self.rules, version, now, known.shares, quiet)

        def letters(changes: Sequence[Change]) -> Sequence[Letter]:
            return letters_of(changes, windows, self.channels)

        changes = self.workspace.catalog.windows.keep(
            windows, self.rules.newest, lambda standing: Outcome(judge.changes(standing), letters)
        )
        if changes is None:
            # Another process was first, whose word stands.
            return Looked()
        reports = {name: told for name, told in said.items() if isinstance(told, Report)}
        tell_findings(self.registry, reports, known.info)
        return Looked(windows, changes)

    def _said(self, version: int, span: Span, asked: Mapping[str, Monitor]) -> dict[str, Report | Exception]:
        """Return what each monitor says, or why it could not look; where nothing was answered, those of rows say nothing."""
        said: dict[str, Report | Exception] = {}
        for asks, look in ((False, self._said_of_rows), (True, self._said_of_requests)):
            some = {name: one for name, one in asked.items() if wants_traffic(one) is asks}
            if some and (asks or span.rows):
                try:
                    said |= look(version, span, some)
                except StoreError:
                    # What is out of reach now may be there the next time.
                    raise
                except HooklineError as error:
                    said |= dict.fromkeys(some, error)
        return said

    def _said_of_rows(self, version: int, span: Span, asked: Mapping[str, Monitor]) -> dict[str, Report | Exception]:
        home = self.workspace.home
        gathered = monitor_window(self.registry, self.model, version, asked, span.since, span.until, home)
        return {name: _tried(gathered.report, one) for name, one in asked.items()}

    def _said_of_requests(
        self, version: int, span: Span, asked: Mapping[str, Monitor]
    ) -> dict[str, Report | Exception]:
        log = predictions_in(self.workspace, f"{self.model}:{version}")
        log = replace(log, since=span.since, until=span.until, given=True, served=True)
        traffic, folder = traffic_of(self.workspace, log), self._of_version(version).info.path
        return {name: _tried(lambda one: traffic_report(one, traffic, folder), one) for name, one in asked.items()}

    def _window(self, version: int, span: Span, labels: int, name: str, said: Report | Exception) -> Window:
        facts = (self.model, version, name, span.since, span.until, span.rows)
        if isinstance(said, Exception):
            told = redacted(f"{type(said).__name__}: {said}")
            text = f"monitor '{name}' could not look: {told}"
            return Window(*facts, {}, [Finding(name, FAILED, 1.0, 0.0, "warning", text)], labels, told)
        strong = any(at_least(finding.severity, "warning") for finding in said.findings)
        return Window(*facts, _figures(said), said.findings, labels, speaks=strong or bool(said.metrics))

    def _of_version(self, version: int) -> Known:
        """Return how a version is watched; raises UnknownName where it, or a monitor, is gone."""
        if version not in self._known:
            folder = find(f"{self.model}:{version}", self.workspace.home).package()
            asked = trained_with(folder) if self.monitors is None else self.monitors
            info = ModelInfo(self.model, version, folder)
            self._known[version] = Known(built_monitors(self.registry, asked), shares_of(folder), info)
        return self._known[version]


@dataclass(frozen=True)
class Known:
    """How one version is watched."""

    monitors: Mapping[str, Monitor]
    shares: Mapping[str, float]
    """Each raw column's part in the importance of all features."""
    info: ModelInfo


def trained_with(folder: Path) -> Monitors:
    """Return the monitors that a package's run had, with their fields; the default ones where it had none."""
    manifest = read_manifest(folder)
    fields: Mapping[str, Mapping[str, Any]] = manifest.get("monitor_fields") or {}
    # One that stands under two keys looks once, as the first of them.
    named = {name: fields.get(key) for key, name in reversed(manifest.get("monitors", {}).items())}
    return dict(reversed(named.items())) or DEFAULT


def _tried(look: Callable[[Monitor], Report], monitor: Monitor) -> Report | Exception:
    try:
        return look(monitor)
    except Exception as error:  # noqa: BLE001  a plugin's monitor may raise anything, and the others look all the same
        return error


def _figures(report: Report) -> dict[str, Any]:
    """Return a report's metrics, tables and charts as JSON values, as many as there is room for."""
    told = to_json(report)
    figures = {name: told[name] for name in ("metrics", "tables", "charts")}
    for name in ("charts", "tables"):
        if len(json.dumps(figures)) > MOST_FIGURES:
            figures[name] = []
    return figures
