"""MLflow as hookline's tracker: runs are sent from the outbox, models registered, and their aliases set."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.errors import StoreError
from hookline.kinds.component import Settings
from hookline.kinds.tracking.tracker import Standing, VersionInfo
from hookline.telling.secrets import redacted

from .calling import Caller, NotReached
from .outbox import Entry, Outbox
from .settings import MlflowSettings


def open_tracker(settings: Mapping[str, Settings], home: Path) -> MlflowTracker | None:
    """Return MLflow as settings say it; None where it is off, and no run waits to be sent."""
    said = settings.get("mlflow")
    assert isinstance(said, MlflowSettings)
    outbox = Outbox(home)
    return MlflowTracker(said, outbox) if said.enabled or outbox.entries() else None


@dataclass(frozen=True)
class Limit:
    """Until when something may take. words: how it is told"""

    until: float
    words: str

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.until - time.monotonic()


@dataclass(frozen=True)
class MlflowTracker:
    """A tracking server with its registry of models."""

    settings: MlflowSettings
    outbox: Outbox
    _callers: dict[str, Caller] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """What it is called in messages."""
        return f"MLflow at {redacted(self._uri or 'its own default')}"

    @property
    def formats(self) -> Sequence[str]:
        """Return the packager whose packages are registered."""
        return ("mlflow",)

    def mirrors(self, manifest: Mapping[str, Any]) -> bool:
        """Tell by a package's manifest whether its version is to be registered."""
        return self.settings.enabled and bool((manifest.get("packager_config") or {}).get("register"))

    def waiting(self) -> Sequence[str]:
        """Return the ids of runs that were not sent yet, in order."""
        return [entry.run_id for entry in self.outbox.entries()]

    def send(self, timeout: float | None = None) -> Sequence[str]:
        """Send what waits, and return the ids that were taken; raises StoreError where one was not, and which."""
        limit = self._limit(timeout)
        taken, refused = [], []
        away: dict[str | None, NotReached] = {}
        for entry in self.outbox.entries():
            where = _uri_of(entry)
            if where in away:
                continue
            try:
                self._ask({"do": "send", "file": str(entry.path), "order": entry.order}, limit, where)
            except NotReached as error:
                # A server that is away, or that a typo made up, keeps no run from another one.
                away[where] = error
            except StoreError as error:
                # What it will not have keeps no other run from it.
                refused.append(f"{entry.run_id}: {error.message}")
            else:
                taken.append(entry.run_id)
        for not_reached in away.values():
            raise not_reached
        if refused:
            raise StoreError(
                f"not taken: {'; '.join(refused)}", hint="to give one up, remove its file in outbox/mlflow"
            )
        return taken

    def standing(self, model: str) -> Standing:
        """Return a model's versions and aliases there."""
        told = self._ask({"do": "standing", "model": model}, self._limit())
        return Standing(told["versions"], told["aliases"], told["agreed"])

    def settle(
        self,
        model: str,
        versions: Sequence[VersionInfo],
        aliases: Mapping[str, int],
        agreed: Mapping[str, int],
        gone: Sequence[str] = (),
    ) -> Sequence[str]:
        """Register versions, set tags and aliases, keep what was agreed on, and delete what is gone; the rest is left."""
        order = {
            "do": "settle",
            "model": model,
            "experiment": self.settings.experiment or model,
            "versions": [
                {
                    "version": one.version,
                    "fingerprint": one.fingerprint,
                    "run": one.run,
                    "path": str(one.path),
                    "tags": dict(one.tags),
                }
                for one in versions
            ],
            "aliases": dict(aliases),
            "agreed": dict(agreed),
            "gone": [*gone],
        }
        stay: Sequence[str] = self._ask(order, self._limit())
        return stay

    def close(self) -> None:
        """End the processes that talk to servers."""
        for caller in self._callers.values():
            caller.close()
        self._callers.clear()

    @property
    def _uri(self) -> str | None:
        return self.settings.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")

    def _limit(self, timeout: float | None = None) -> Limit:
        if timeout is not None:
            return Limit(time.monotonic() + timeout, f"{timeout:g} s")
        seconds = self.settings.timeout
        return Limit(time.monotonic() + seconds, f"settings.mlflow.timeout={seconds:g} s")

    def _ask(self, order: Mapping[str, Any], limit: Limit, uri: str | None = None) -> Any:
        where = uri or self._uri
        caller = self._callers.setdefault(where or "", Caller(f"MLflow at {redacted(where or 'its own default')}"))
        return caller.ask({"uri": where, "lock": str(self.outbox.lock), **order}, limit.left, limit.words)


def _uri_of(entry: Entry) -> str | None:
    found = entry.order.get("tracking_uri")
    return None if found is None else str(found)
