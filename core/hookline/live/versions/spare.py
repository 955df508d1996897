"""Versions that a home could do without, by a rule: neither among the newest, nor young, nor needed for anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hookline.errors import UsageError
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.tidying import size_of
from hookline.workspace.workspace import Workspace

from ..mirroring.pushing import keep_in_step
from .deleting import Origins, delete, needs_of


@dataclass(frozen=True)
class Spare:
    """A version that a rule gives up, or would but for what it is needed for."""

    record: ModelRecord
    size: int
    """Bytes of its package, in this home and where machines share packages."""
    needed: str | None = None
    """What it is kept for; None where it goes."""

    @property
    def name(self) -> str:
        """It as people type it, such as `churn:3`."""
        return f"{self.record.name}:{self.record.version}"


def spare_versions(workspace: Workspace, keep: int, age: timedelta) -> list[Spare]:
    """Return, of each model, the versions beyond the newest `keep` that are older than an age, by model, the newest first.

    One that is needed says what for: in force, champion or challenger, called by an alias, learned on from by another that
    stays, or what a roll-back goes back to. Removes nothing.
    Raises StoreError where it cannot be told, since a package lies where machines share them and cannot be read there.
    """
    origins, before = Origins(workspace.catalog), datetime.now(UTC) - age
    return [
        found
        for name in workspace.catalog.models.names()
        for found in _of_model(workspace, name, keep, before, origins)
    ]


def drop(workspace: Workspace, found: list[Spare], reason: str) -> list[Spare]:
    """Delete versions that a rule gives up, and return those that are gone; one that came to be needed meanwhile stays."""
    gone = []
    for one in found:
        if one.needed is None:
            try:
                delete(workspace, one.record, reason, sparing=True)
            except UsageError:
                continue
            gone.append(one)
    for name in sorted({one.record.name for one in gone}):
        keep_in_step(name, workspace.home)
    return gone


def _of_model(workspace: Workspace, name: str, keep: int, before: datetime, origins: Origins) -> Iterator[Spare]:
    old = [one for one in workspace.catalog.models.versions(name)[keep:] if one.created < before]
    if not old:
        return
    needs, gone = needs_of(workspace.catalog, name, origins), set[int]()
    for record in old:
        why = needs.why(record.version, gone=gone)
        if why is None:
            gone.add(record.version)
        yield Spare(record, 0 if why else _bytes(workspace, Path(record.path)), why)


def _bytes(workspace: Workspace, folder: Path) -> int:
    here = folder.is_relative_to(workspace.home) and folder.is_dir()
    own = size_of(folder) if here else 0
    shelf = workspace.catalog.models.shelf
    return own + (0 if shelf is None else shelf.size(folder))
