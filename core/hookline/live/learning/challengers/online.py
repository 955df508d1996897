"""A champion that learns rows a micro-batch at a time, with checkpoints: what a kill takes away is learned again, alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.kinds.deployments import Trust
from hookline.packages.manifest import is_whole
from hookline.packages.pipeline import Pipeline
from hookline.packages.reading import reading_in
from hookline.packages.state import StoredPackage
from hookline.registry.registry import Registry
from hookline.workspace.workspace import Workspace

from ...learners import Old, Position, old_of
from ...rows import rows_for
from ...updating import (
    Lesson,
    Update,
    before_of,
    fingerprint_of,
    keep,
    learned,
    lesson_of,
    pipeline_in,
    register_update,
    write,
)

if TYPE_CHECKING:
    import polars as pl

PACKAGE = "package"
"""The folder of a checkpoint that holds what was learned."""


@dataclass(frozen=True)
class Online:
    """Learns the rows of a frame in their order, so many at once.

    What is known after each micro-batch has a fingerprint of the champion and of all rows so far. After every few of them the
    package is put into the store under it, and whoever begins anew goes on from the last that is there.
    """

    registry: Registry
    workspace: Workspace
    batch: int
    checkpoint: int
    trust: Trust | None
    origin: Mapping[str, Any] | None = None
    """Where the rows came from; None: from the model's log."""
    upto: Position | None = None
    """Of a source whose rows keep coming: the position that the new version has learned up to."""

    def learn(self, model: str, rows: pl.DataFrame) -> Update:
        """Let a version learn rows; returns the new one. Raises what `hookline.live.updating.update` raises."""
        old = old_of(self.registry, self.workspace, model, self.trust)
        lessons = [self._lesson(old, part) for part in rows.iter_slices(self.batch)]
        steps = list(_steps(old, lessons))
        whole, fingerprint = replace(self._lesson(old, rows), upto=self.upto), self._fingerprint(steps[-1].fingerprint)
        with self.workspace.package_place(old.record.name, fingerprint) as path:
            if not is_whole(path):
                before = before_of(
                    self.registry, pipeline_in(self.registry, old, Path(old.record.path), self.trust), whole
                )
                keep(self.registry, self.workspace, old, whole, self._learned(old, steps), before, path)
            return register_update(self.workspace, old, whole, path, fingerprint)

    def _fingerprint(self, learned: str) -> str:
        """Return what the version is known by: what it learned, and where it goes on."""
        return learned if self.upto is None else hashlib.sha256(f"{learned} {self.upto.upto}".encode()).hexdigest()

    def _learned(self, old: Old, steps: Sequence[_Step]) -> Pipeline[Any]:
        """Return what the version becomes, from the last checkpoint that is there on."""
        done, folder = self._furthest(steps)
        pipeline = pipeline_in(self.registry, old, folder or Path(old.record.path), self.trust)
        for place, step in enumerate(steps[done:], done + 1):
            pipeline = learned(old, pipeline, step.lesson)
            if place % self.checkpoint == 0:
                self._put(old, step, pipeline)
        return pipeline

    def _furthest(self, steps: Sequence[_Step]) -> tuple[int, Path | None]:
        for place in range(len(steps), 0, -1):
            if place % self.checkpoint == 0 and (folder := self.workspace.store.get(steps[place - 1].fingerprint)):
                return place, folder / PACKAGE
        return 0, None

    def _put(self, old: Old, step: _Step, pipeline: Pipeline[Any]) -> None:
        note = {"stage": "learned", "component": old.trainer.name, "of": old.record.fingerprint}

        def put(path: Path) -> None:
            # The store adds a file of its own, of which a package's manifest knows nothing.
            (path / PACKAGE).mkdir()
            write(self.registry, old, step.lesson, pipeline, (), path / PACKAGE)

        self.workspace.store.put(step.fingerprint, put, note=note)

    def _lesson(self, old: Old, rows: pl.DataFrame) -> Lesson:
        stored = StoredPackage(Path(old.record.path), self.registry)
        read = rows_for(self.registry, rows, stored.schema, stored.target, stored.roles, reading_in(old.manifest))
        return lesson_of(read, self.origin or {"component": "prediction_log", "model": old.record.name})


@dataclass(frozen=True)
class _Step:
    """A micro-batch, and what is known once it is learned."""

    lesson: Lesson
    fingerprint: str


def _steps(old: Old, lessons: Sequence[Lesson]) -> Iterator[_Step]:
    for lesson in lessons:
        fingerprint = fingerprint_of(old, lesson)
        old = replace(old, record=replace(old.record, fingerprint=fingerprint))
        yield _Step(lesson, fingerprint)
