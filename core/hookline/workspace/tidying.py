"""What a home could do without: old runs, stored entries that no kept run needs, and what killed processes left."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from .catalog.runs import RunRecord
from .workspace import Workspace

Sort = Literal["run", "entry", "lock", "temporary"]
LEFT_FOR = 3600
"""Seconds after which a lock or a temporary file belongs to nobody alive."""


@dataclass(frozen=True)
class Rule:
    """Which runs keep their folder: so many of the newest, and every one younger than an age.

    Beside these are always kept: runs that a registered model came of, and runs under way.
    """

    runs: int = 20
    age: timedelta = timedelta(days=1)


@dataclass(frozen=True)
class Litter:
    """One thing that a home could do without."""

    sort: Sort
    name: str
    """Of a run its id, of an entry its fingerprint, else the file's name."""
    path: Path
    size: int
    """Bytes."""


def litter(workspace: Workspace, rule: Rule) -> list[Litter]:
    """Return what a home could do without, by a rule; removes nothing. A registered model is never among it."""
    records = workspace.catalog.runs.newest(workspace.catalog.runs.count())
    kept = _kept(workspace, records, rule)
    old = [record for record in records if record.id not in kept]
    return [*_runs(workspace.home, old), *_entries(workspace, kept), *_left(workspace.home)]


def clear(workspace: Workspace, found: Collection[Litter]) -> int:
    """Remove what `litter` found; returns the bytes that were freed. Raises StoreError where the home may only be read."""
    workspace.require_writable()
    freed = 0
    for one in found:
        if one.sort == "entry":
            freed += one.size * workspace.store.discard(one.name)
        elif one.path.is_dir():
            shutil.rmtree(one.path, ignore_errors=True)
            freed += one.size
        else:
            one.path.unlink(missing_ok=True)
            freed += one.size
    return freed


def _kept(workspace: Workspace, records: list[RunRecord], rule: Rule) -> set[str]:
    """Return the ids of the runs that keep their folder; records: the newest first."""
    since = datetime.now(UTC) - rule.age
    made = {record.run_id for record in workspace.catalog.models.every_version()}
    young = {record.id for record in records if record.started > since}
    return made | young | workspace.catalog.runs.under_way() | {record.id for record in records[: rule.runs]}


def _runs(home: Path, old: list[RunRecord]) -> Iterator[Litter]:
    for record in old:
        folder = Path(record.path)
        # What lies elsewhere was put there by somebody, with other things beside it.
        if folder.is_relative_to(home) and (folder / "run.json").is_file():
            yield Litter("run", record.id, folder, _size(folder))


def _entries(workspace: Workspace, kept: Collection[str]) -> Iterator[Litter]:
    """Yield the entries that no kept run needs; a certificate of served answers is needed with its package."""
    store, needed = workspace.store, workspace.catalog.runs.fingerprints(kept)
    for fingerprint in store.entries():
        if fingerprint not in needed and store.note(fingerprint).get("of") not in needed:
            folder = store.root / fingerprint[:2] / fingerprint
            yield Litter("entry", fingerprint, folder, _size(folder))


def _left(home: Path) -> Iterator[Litter]:
    """Yield locks and temporary files that nobody has touched for long."""
    before = time.time() - LEFT_FOR
    places: tuple[tuple[Sort, str], ...] = (
        ("lock", "store/locks/*.lock"),
        ("temporary", "models/*/.*"),
        ("temporary", "cache/.*-*"),
    )
    for sort, pattern in places:
        for path in sorted(home.glob(pattern)):
            if path.lstat().st_mtime < before:
                yield Litter(sort, path.name, path, _size(path))


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
