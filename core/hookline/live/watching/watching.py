"""Watches a model: one process at a time looks at its windows and tells its alarms, until it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn

from hookline.errors import HooklineError, UsageError
from hookline.kinds.hooks import Channel
from hookline.registry.registry import load_registry
from hookline.runs.names import find
from hookline.telling.once import Once
from hookline.telling.secrets import logger
from hookline.workspace.processes.owners import BEAT_SECONDS, Owner, Watch
from hookline.workspace.workspace import Workspace, open_workspace

from ..monitoring import Monitors, built_monitors
from .alarms import sending
from .alarms.sending import Sender
from .alarms.settings import channels_at
from .rules import WatchRules
from .watcher import Looked, Watcher

log = logger("hookline.live")

AGAIN_SECONDS = 60.0
"""How long to wait after a look that failed."""
ENDING_SECONDS = 30.0
"""How long what is on its way is waited for at the end of a single look."""

Tell = Callable[[Looked], None]


def watch(
    model: str,
    monitors: Monitors | None = None,
    *,
    rules: WatchRules | None = None,
    once: bool = False,
    channels: Mapping[str, Channel] | None = None,
    tell: Tell | None = None,
    home: str | Path | None = None,
) -> Looked:
    """Look at a model's windows as they end, and tell its alarms, until interrupted; returns what the last look came to.

    monitors: as for `monitor`; None: those that each version was trained with, with their fields
    once: look a single time, send what waits, and return
    channels: where alarms are told, by name; None: where `settings.yaml` in the home says. tell: called after each look
    Raises UnknownName for what is no model, ConfigError for wrong fields or settings, UsageError where `once` is asked for
    and another process watches.
    """
    registry, workspace, rules = load_registry(), open_workspace(home), rules or WatchRules()
    found = find(model, workspace.home)
    if found.model is None or ":" in model or "@" in model:
        raise UsageError(f"'{model}' is no model of the catalog, which would have a log", hint="name a model")
    if monitors is not None:
        built_monitors(registry, monitors)
    opened = channels_at(registry, workspace.home) if channels is None else channels
    watcher = Watcher(workspace, registry, model, rules, monitors, tuple(opened))
    watching = Watching(watcher, Sender(workspace, model, opened), tell or (lambda looked: None))
    return watching.once() if once else watching.go_on()


@dataclass
class Watching:
    """One process at its watch."""

    watcher: Watcher
    sender: Sender
    tell: Tell
    owner: Owner = field(default_factory=Owner.here)
    _watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        self._faults = Once(partial(log.error, "'%s' cannot be watched: %s", self.watcher.model))

    def once(self) -> Looked:
        """Look once, and send what waits; raises UsageError where another process watches."""
        if not self._take():
            who = self._workspace.catalog.watchers.who(self.watcher.model)
            raise UsageError(f"'{self.watcher.model}' is watched already, on {who}", hint="one at a time is enough")
        with self._held():
            looked = self.watcher.look()
            self.tell(looked)
            self.sender.look()
            self.sender.finish(ENDING_SECONDS)
        return looked

    def go_on(self) -> NoReturn:
        """Look at windows as they end, for as long as this process lives; another one stands by meanwhile."""
        told = False
        while True:
            if self._take():
                told = False
                with self._held() as lost:
                    self._go_on(lost)
            elif not told:
                who, told = self._workspace.catalog.watchers.who(self.watcher.model), True
                log.warning("'%s' is watched already, on %s; this one stands by", self.watcher.model, who)
            time.sleep(BEAT_SECONDS)

    def _go_on(self, lost: threading.Event) -> None:
        """Look again and again, until another process has taken over."""
        due = 0.0
        while not lost.is_set():
            if time.time() >= due:
                due = self._look()
            with suppress(HooklineError):  # A catalog that is away is told of by the look.
                self.sender.look()
            lost.wait(sending.LOOK_SECONDS)
        log.warning("'%s' is watched by another process now", self.watcher.model)

    def _look(self) -> float:
        """Look once; return when the next look is due."""
        try:
            looked = self.watcher.look()
        except Exception as error:  # noqa: BLE001  whatever it is, the next look may do better
            self._faults.fault(error)
            return time.time() + AGAIN_SECONDS
        self._faults.well()
        self.tell(looked)
        return self._next()

    def _next(self) -> float:
        """Return when a window ends next, and is on record; or sooner, where labels are looked for more often."""
        rules = self.watcher.rules
        step = max(sending.LOOK_SECONDS, min(rules.every, rules.labels).total_seconds())
        now, grace = time.time(), rules.grace.total_seconds()
        return float(((now - grace) // step + 1) * step + grace)

    @property
    def _workspace(self) -> Workspace:
        return self.watcher.workspace

    def _take(self) -> bool:
        return self._workspace.catalog.watchers.take(self.watcher.model, self.owner, self._watch)

    def _held(self) -> AbstractContextManager[threading.Event]:
        return self._workspace.catalog.watchers.held(self.watcher.model, self.owner, self._watch)
