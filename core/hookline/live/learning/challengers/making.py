"""How a challenger is made: by the champion's run on more rows, or by the champion that learns on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.errors import DataError, HooklineError, StoreError, UsageError
from hookline.kinds.component import COMPONENT
from hookline.kinds.deployments import Trust
from hookline.packages.loading import load_package
from hookline.packages.manifest import read_json
from hookline.packages.settling import EVIDENCE
from hookline.plans.config import resolve
from hookline.registry.registry import Registry
from hookline.runs.runner import run_config
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.catalog.retrainings import Retraining
from hookline.workspace.workspace import Workspace

from ...learners import learns_on
from ...log.answered import FACTS
from ...registering import register
from ...updating import update
from ..rules import RetrainRules
from ..testing import loss_of
from .lessons import bound_of, learned_by, parent_of, told
from .online import Online

LOG = "prediction_log"
FRAME = "frame"


@dataclass(frozen=True)
class Made:
    """A challenger. rows: how many rows on record it learned; None where its run says it"""

    version: int
    run_id: str | None
    rows: int | None


@dataclass(frozen=True)
class Making:
    """What a challenger is made with."""

    registry: Registry
    workspace: Workspace
    rules: RetrainRules
    trust: Trust | None

    def make(self, one: Retraining) -> Made:
        """Make the challenger of a retraining; begun anew after a kill, it comes to the same version.

        Raises UsageError and DataError where it cannot be made, and what a run or an update raises.
        """
        champion = self.workspace.catalog.models.get(one.model, one.champion)
        with limited(self.rules.guards.seconds):
            return self._batch(one, champion) if one.policy == "batch" else self._learned(one, champion)

    def check(self, champion: ModelRecord) -> None:
        """Raise UsageError where a model cannot be retrained so, and what loading it raises, before anything is begun."""
        loss_of(self.rules.trial, load_package(Path(champion.path), self.registry, self.trust).target)
        if self.rules.policy == "batch":
            self._config(champion, {}, 0)
        else:
            learns_on(self.registry, self.workspace, f"{champion.name}:{champion.version}", self.trust)

    def _batch(self, one: Retraining, champion: ModelRecord) -> Made:
        config = resolve(self.registry, self._config(champion, one.lesson, bound_of(one).upto))
        run = run_config(self.registry, config, home=self.workspace.home)
        registered = register(run, home=self.workspace.home)
        return Made(registered.version, run.id, None)

    def _config(self, champion: ModelRecord, lesson: Mapping[str, Any], upto: int) -> dict[str, Any]:
        """Return the config of the run that made the champion, on more rows, and with nothing that puts it in force."""
        config = self._first_config(champion)
        source = self._source(champion, config["source"], lesson, upto)
        return {**config, "name": champion.name, "source": source, "deployer": None}

    def _first_config(self, champion: ModelRecord) -> Mapping[str, Any]:
        """Return the config of the run that a version goes back to."""
        folder = Path(champion.path)
        parent = parent_of(self.workspace, champion)
        if parent is not None:
            return self._first_config(parent)
        config = read_json(folder / EVIDENCE).get("config") if (folder / EVIDENCE).is_file() else None
        if config and not (isinstance(config, Mapping) and isinstance(config.get("source"), Mapping)):
            raise StoreError(
                f"{folder / EVIDENCE} is damaged: its config is none of a run",
                hint=f"run {champion.name} again, and promote the version that this makes",
            )
        if not config:
            raise UsageError(
                f"nothing says by which run {champion.name}:{champion.version} was made, so it cannot be run again",
                hint="make a version by a run with deployer=canary, or let it learn on: --policy incremental",
            )
        return dict(config)

    def _source(
        self, champion: ModelRecord, source: Mapping[str, Any], lesson: Mapping[str, Any], upto: int
    ) -> dict[str, Any]:
        rules, known = self.rules, source[COMPONENT] != FRAME or COMPONENT in self.rules.source
        rows = rules.rows
        if rows == "auto":
            rows = "log" if rules.window is not None or not known else "all"
        if rows != "log" and not known:
            raise UsageError(
                f"{champion.name}:{champion.version} was trained on a data frame, which is gone",
                hint="retrain it on the rows on record (--rows log), or name a file: source.component=file source.path=FILE",
            )
        own = _but(source, rules.source)
        log = {COMPONENT: LOG, "model": champion.name, "upto": upto, "leave_out": rules.keep}
        log |= {name: lesson[name] for name in ("since", "until") if lesson.get(name)}
        if rows == "source" or source[COMPONENT] == LOG:
            return own if rows == "source" else log
        return log if rows == "log" or not upto else {COMPONENT: "stack", "of": [own, log]}

    def _learned(self, one: Retraining, champion: ModelRecord) -> Made:
        known = told(self.registry, self.workspace, one.model, champion)
        fresh = known.fresh(learned_by(self.workspace, champion), bound_of(one))
        rows = known.to_learn(fresh, self.rules.keep).drop(FACTS)
        if rows.is_empty():
            raise DataError("there are no rows to learn")
        name = f"{one.model}:{champion.version}"
        if one.policy == "online":
            online = Online(self.registry, self.workspace, self.rules.batch, self.rules.checkpoint, self.trust)
            made = online.learn(name, rows)
        else:
            made = update(name, rows, trust=self.trust, home=self.workspace.home)
        return Made(made.version, None, made.rows)


def _but(source: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a source with other fields; another component has none of the old one's."""
    is_other = fields.get(COMPONENT, source[COMPONENT]) != source[COMPONENT]
    return dict(fields) if is_other else {**source, **fields}


class TooSlow(HooklineError):
    """Making a challenger took longer than it may."""


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Raise TooSlow within this block after so many seconds; only the main thread can be stopped so."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TooSlow(f"it took longer than {seconds:g} s", hint="raise retrain.guards.seconds")

    held = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, held)
