"""What a home could do without: old runs, stored entries that no kept run needs, and what killed processes left."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from .catalog.models import ModelRecord
from .catalog.runs import RunRecord
from .files import is_temporary
from .store import remove_free
from .workspace import Workspace

Sort = Literal["version", "run", "entry", "batch", "lock", "temporary", "package"]
LEFT_FOR = 3600
"""Seconds after which a lock or a temporary file belongs to nobody alive."""


@dataclass(frozen=True)
class Rule:
    """Which runs keep their folder: so many of the newest, and every one younger than an age.

    Beside these are always kept: runs that a registered model came of, and runs under way.
    """

    runs: int = 20
    age: timedelta = timedelta(days=1)
    versions: int | None = None
    """Of each data set, the rows of how many of the newest versions stay, where rows were kept; None: all.

    Beside these stay rows that are younger than `age`, and those of runs under way.
    """


@dataclass(frozen=True)
class Litter:
    """One thing that a home could do without."""

    sort: Sort
    name: str
    """Of a run its id, of an entry its fingerprint, of a version `churn:3`, else the name of the file or folder."""
    path: Path
    size: int
    """Bytes."""


def litter(workspace: Workspace, rule: Rule, without: Collection[ModelRecord] = ()) -> list[Litter]:
    """Return what a home could do without, by a rule; removes nothing. A registered model is never among it.

    without: versions that are to go, so that the runs which they came of are kept for them no longer
    """
    records = workspace.catalog.runs.newest(workspace.catalog.runs.count())
    kept = _kept(workspace, records, rule, {(one.name, one.version) for one in without})
    old = [record for record in records if record.id not in kept]
    spared = _spared(workspace, rule)
    return [
        *_runs(workspace.home, old),
        *_entries(workspace, kept, spared, _young(workspace, records, rule)),
        *_left(workspace.home),
        *_orphans(workspace),
    ]


def clear(workspace: Workspace, found: Collection[Litter]) -> int:
    """Remove what `litter` found; returns the bytes that were freed. Raises StoreError where the home may only be read."""
    workspace.require_writable()
    freed = 0
    for one in found:
        if one.sort == "entry":
            freed += one.size * workspace.store.discard(one.name)
        elif one.sort == "lock":
            freed += one.size * remove_free(one.path)
        elif one.sort == "package":
            freed += one.size * _remove_orphan(workspace, one.path)
        elif one.path.is_dir():
            shutil.rmtree(one.path, ignore_errors=True)
            freed += one.size
        else:
            one.path.unlink(missing_ok=True)
            freed += one.size
    return freed


def _remove_orphan(workspace: Workspace, path: Path) -> bool:
    """Remove a package that no version stands for; False where one does by now: a run that makes it again takes it as it is."""
    with workspace.package_place(path.parent.name, path.name):
        if _is_kept(workspace, path):
            return False
        shutil.rmtree(path, ignore_errors=True)
        return True


def _is_kept(workspace: Workspace, path: Path) -> bool:
    models = workspace.catalog.models
    known = models.versions(path.parent.name) if models.has(path.parent.name) else []
    return path.resolve() in {Path(record.path).resolve() for record in known}


def _kept(workspace: Workspace, records: list[RunRecord], rule: Rule, without: Collection[tuple[str, int]]) -> set[str]:
    """Return the ids of the runs that keep their folder; records: the newest first."""
    since = datetime.now(UTC) - rule.age
    versions = workspace.catalog.models.every_version()
    made = {record.run_id for record in versions if (record.name, record.version) not in without}
    young = {record.id for record in records if record.started > since}
    return made | young | workspace.catalog.runs.under_way() | {record.id for record in records[: rule.runs]}


def _runs(home: Path, old: list[RunRecord]) -> Iterator[Litter]:
    for record in old:
        folder = Path(record.path)
        # What lies elsewhere was put there by somebody, with other things beside it.
        if folder.is_relative_to(home) and (folder / "run.json").is_file():
            yield Litter("run", record.id, folder, size_of(folder))


def _spared(workspace: Workspace, rule: Rule) -> set[str]:
    """Return the versions of data whose kept rows stay: newest of each name, young ones, those of models and runs under way."""
    seen: dict[str, int] = {}
    spared: set[str] = set()
    since, under_way = datetime.now(UTC) - rule.age, workspace.catalog.runs.under_way()
    for record in workspace.catalog.datasets.versions():  # The newest first.
        seen[record.version.name] = place = seen.get(record.version.name, 0) + 1
        is_new = rule.versions is None or place <= rule.versions or record.first_seen > since
        if is_new or record.models or not under_way.isdisjoint(record.runs):
            spared.add(record.version.fingerprint)
    return spared


def _young(workspace: Workspace, records: Collection[RunRecord], rule: Rule) -> float:
    """Return since when what was put into the store may be of a young run, or of one under way: seconds since 1970."""
    under_way = workspace.catalog.runs.under_way()
    begun = [record.started for record in records if record.id in under_way]
    return min([datetime.now(UTC) - rule.age, *begun]).timestamp()


def _entries(workspace: Workspace, kept: Collection[str], spared: Collection[str], young: float) -> Iterator[Litter]:
    """Yield the entries that no kept run needs; a certificate of served answers is needed with its package.

    spared: versions of data whose kept rows stay; young: kept rows that were put there later stay, whoever they are of
    """
    store, needed = workspace.store, workspace.catalog.runs.fingerprints(kept)
    for fingerprint in store.entries():
        if fingerprint in needed:
            continue
        note = store.note(fingerprint)
        folder = store.root / fingerprint[:2] / fingerprint
        if note.get("rows_of") is not None and _touched(folder) > young:
            continue
        if note.get("of") not in needed and note.get("rows_of") not in spared:
            yield Litter("entry", fingerprint, folder, size_of(folder))


def _touched(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:  # It went at this moment.
        return 0.0


def _left(home: Path) -> Iterator[Litter]:
    """Yield locks that nobody holds and temporary files, where nobody has touched them for long."""
    before = time.time() - LEFT_FOR
    locks = (path for path in home.glob("store/locks/*.lock") if _is_free(path))
    halves = {*home.glob("models/*/.*"), *home.glob("cache/.*-*"), *filter(is_temporary, home.rglob(".*"))}
    found: tuple[tuple[Sort, Iterable[Path]], ...] = (("lock", locks), ("temporary", halves))
    for sort, paths in found:
        for path in sorted(paths):
            with suppress(FileNotFoundError):  # It may end at this moment.
                if path.lstat().st_mtime < before:
                    yield Litter(sort, path.name, path, size_of(path))


def _orphans(workspace: Workspace) -> Iterator[Litter]:
    """Yield packages that no version stands for, where nobody has touched them for long: of a killed run, or a killed delete.

    None where the catalog is not the home's own, which others may share, but those of which it knows that their version was
    deleted, as another machine may have done; and none that is older than what the catalog knows of its model: that may be a
    version of a catalog that was here before.
    """
    models, before = workspace.catalog.models, time.time() - LEFT_FOR
    kept = {Path(record.path).resolve() for record in models.every_version()}
    own, begun = workspace.catalog.database.places.in_home(), models.begun()
    deleted = {(name, fingerprint[:16]) for name, fingerprint in models.deleted()}
    for path in sorted(workspace.home.glob("models/*/[!.]*")):
        first = begun.get(path.parent.name)
        ended = (path.parent.name, path.name) in deleted
        if first is None or path.resolve() in kept or not (own or ended):
            continue
        with suppress(FileNotFoundError):  # It may end at this moment.
            touched = path.lstat().st_mtime
            if path.is_dir() and touched < before and (ended or first.timestamp() <= touched):
                yield Litter("package", path.name, path, size_of(path))


def _is_free(lock: Path) -> bool:
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock, timeout=0):
            return True
    except Timeout:
        return False


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder; raises FileNotFoundError where it has gone."""
    if not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
