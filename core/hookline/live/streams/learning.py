"""A model that learns what came to a source since it last did, each row once, wherever it is killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.collecting import require_reads_on
from hookline.errors import UsageError
from hookline.kinds.deployments import Trust
from hookline.kinds.kinds import Source
from hookline.kinds.plain import plain
from hookline.kinds.streams.capabilities import ReadsSpan
from hookline.kinds.streams.places import difference, place_of
from hookline.packages.manifest import read_manifest
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import find
from hookline.telling.secrets import logger
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import Workspace, open_workspace

from ..learners import Position, old_of, position_in
from ..learning.challengers.lessons import parent_of
from ..learning.challengers.online import Online
from ..updating import Update
from .batches import FOLDER, Batches

if TYPE_CHECKING:
    import polars as pl

log = logger("hookline.live")
LEARNED = "learned"
BATCH = 100
"""Rows of a micro-batch."""
CHECKPOINT = 10
"""Micro-batches after which what is known is put into the store."""


def update_from(
    model: str,
    source: Source,
    *,
    batch: int = BATCH,
    checkpoint: int = CHECKPOINT,
    from_start: bool = False,
    trust: Trust | None = None,
    home: str | Path | None = None,
) -> Update | None:
    """Let a registered model learn the labeled rows that came to a source since; returns the new version, None for no new rows.

    What came is stored in `streams/MODEL/learned` of the home first, and learned in micro-batches. Up to where a version has
    learned stands in its own package, so that one and the other are never apart: whoever is killed before the version is
    registered learns the same rows again, from the same files and on from the last checkpoint.

    model: `name`, of which the newest version is meant that came of the one in charge by learning on; `name:3`, `name@alias`
    source: one that reads on, such as `events`; rows have the target's column
    batch, checkpoint: rows of a micro-batch, and micro-batches between two checkpoints
    from_start: of a version that was trained on another source, or of which nothing says up to where: whether it begins with
        the first row
    Raises UsageError for a model that cannot learn on and a source that does not read on, and what `update` raises.
    """
    return Learner(load_registry(), open_workspace(home), source, batch, checkpoint, trust).learn(
        model, from_start=from_start
    )


@dataclass(frozen=True)
class Learner:
    """Lets versions learn what comes to a source."""

    registry: Registry
    workspace: Workspace
    source: Source
    batch: int = BATCH
    checkpoint: int = CHECKPOINT
    trust: Trust | None = None

    def learn(self, model: str, *, from_start: bool = False) -> Update | None:
        """Let a version learn what came since; returns the new one, None where nothing did."""
        if min(self.batch, self.checkpoint) < 1:
            raise UsageError("a micro-batch has 1 row or more, and so many of them lie between two checkpoints")
        require_reads_on(self.registry, self.source)
        name = newest_of(self.workspace, model)
        old = old_of(self.registry, self.workspace, name, self.trust)
        batches = Batches(self.workspace.home / FOLDER / old.record.name / LEARNED)
        position = self._begin(name, position_in(old.manifest), from_start=from_start)
        found = batches.take(self.registry, self.source, position)
        rows = _with_truth(batches.frame(found), str(old.manifest["target"]["name"]))
        if rows.is_empty():
            return None
        origin = {"component": self.source.name, **plain(self.source)}
        upto = Position(found[-1].upto, place_of(self.source))
        online = Online(
            self.registry, self.workspace, self.batch, self.checkpoint, self.trust, origin=origin, upto=upto
        )
        return online.learn(name, rows)

    def follow(self, model: str, every: float, *, from_start: bool = False) -> Iterator[Update]:
        """Yield a version after each batch of rows, and wait so many seconds where none came; it does not end by itself."""
        yield from _following(lambda: self.learn(model, from_start=from_start), every)

    def _begin(self, name: str, known: Position | None, *, from_start: bool) -> str | None:
        """Return after which position a version learns; raises UsageError where rows might be missed, or learned twice."""
        said = self.source.span()[0] if isinstance(self.source, ReadsSpan) else None
        differs = None if known is None else difference(known.place, place_of(self.source))
        if known is not None and differs is None:
            return known.upto
        if from_start or said is not None:
            return said
        nothing = f"nothing says up to where {name} was trained on what source '{self.source.name}' gives"
        told = nothing if differs is None else f"{name} has learned from a source with {differs}"
        raise UsageError(
            f"{told}, and what it has learned is not to be learned again",
            hint="--from-start learns from the first row on; or give a position: source.after=POSITION",
        )


def _with_truth(rows: pl.DataFrame, target: str) -> pl.DataFrame:
    """Leave out rows that do not tell the truth, and tell of them: one of them is not to hold up all that come after it."""
    if target not in rows.columns or not rows[target].null_count():
        return rows
    kept = rows.drop_nulls(target)
    log.warning(
        "%d of %d rows that came do not tell '%s', and are not learned", rows.height - kept.height, rows.height, target
    )
    return kept


def newest_of(workspace: Workspace, model: str) -> str:
    """Return the version that goes on: the named one, or the newest that came of the one in charge by learning a source."""
    found = find(model, workspace.home)
    if not found.whole or found.model is None or found.version is None:
        return model
    models = workspace.catalog.models
    for record in sorted(models.versions(found.model), key=lambda one: -one.version):
        if _came_of(workspace, record, found.version):
            return f"{record.name}:{record.version}"
    return f"{found.model}:{found.version}"


def _came_of(workspace: Workspace, record: ModelRecord, version: int) -> bool:
    """Tell whether a version came of another, by learning what came to a source, once or several times."""
    one: ModelRecord | None = record
    while one is not None and one.version != version:
        if not Path(one.path).is_dir() or not (read_manifest(Path(one.path)).get("updated_from") or {}).get("upto"):
            return False
        one = parent_of(workspace, one)
    return one is not None


def _following(act: Callable[[], Any | None], every: float) -> Iterator[Any]:
    while True:
        made = act()
        if made is not None:
            yield made
        time.sleep(every)
