"""What lies in a home folder, and what is wrong with it: rights, disk, store, key and catalog."""

from __future__ import annotations

import os
import random
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hookline.errors import HooklineError, StoreError
from hookline.packages.manifest import verify
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.catalog.sql.engine import catalog_url, file_of, is_locked, shown
from hookline.workspace.mirror import Remote
from hookline.workspace.shelf import VARIABLE, shelf_of
from hookline.workspace.signing import Signer, key_path, read_key
from hookline.workspace.store import Store

SAMPLE = 200
"""Entries of the store that are read at most."""
FEW_BYTES, TOO_FEW_BYTES = 2 * 1024**3, 100 * 1024**2
"""Free disk space below which a run may fail, and below which it will."""


@dataclass(frozen=True)
class StoreFacts:
    """What a store holds, and what of a sample of its entries is damaged."""

    entries: int
    size: str
    checked: int
    damaged: tuple[str, ...]


@dataclass(frozen=True)
class Damaged:
    """A registered version that cannot answer: its package is lost or changed."""

    name: str
    problem: str
    todo: str


@dataclass(frozen=True)
class CatalogFacts:
    """What a catalog holds."""

    runs: int = 0
    versions: int = 0
    damaged: tuple[Damaged, ...] = ()
    locked: bool = False
    at: str = ""
    """Its URL without the password, where it is not the home's own file."""


def home_problem(folder: Path) -> str | None:
    """Say why a home folder cannot be used, or None; makes the folder, as a run would, and writes a file for a moment."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0" * 4096)
    except OSError as error:
        return f"{folder} cannot be written: {'it is a file' if folder.is_file() else error.strerror}"
    return None


def space_of(folder: Path) -> tuple[Literal["ok", "warning", "error"], str, str]:
    """Return status, what is free on a folder's disk, and what to do."""
    return space_verdict(shutil.disk_usage(folder).free, folder)


def space_verdict(free: int, folder: Path) -> tuple[Literal["ok", "warning", "error"], str, str]:
    """Return what so many free bytes mean: status, what is free, and what to do."""
    told = f"{size_text(free)} are free for {folder}"
    todo = "free space, or set HOOKLINE_HOME to a folder on another disk"
    if free < TOO_FEW_BYTES:
        return "error", told, todo
    return ("warning", told, todo) if free < FEW_BYTES else ("ok", told, "")


def key_problem() -> tuple[str, str] | None:
    """Say what is wrong with the rights of the store key's file, and what to do; None where it is right or not there."""
    if os.environ.get("HOOKLINE_STORE_KEY") or not (path := key_path()).is_file():
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return f"{path} can be used by others (mode {mode:o}), who could then sign entries", f"chmod 600 {path}"
    return None


def store_facts(root: Path) -> StoreFacts:
    """Read a sample of a store's entries, all of it where there are few; raises StoreError where it cannot be opened."""
    store = Store(root)
    entries = store.entries()
    sample = entries if len(entries) <= SAMPLE else random.sample(entries, SAMPLE)
    damaged = [f"{name[:12]}: {problem}" for name in sample if (problem := store.problem(name)) is not None]
    return StoreFacts(len(entries), size_text(store.size()), len(sample), tuple(damaged))


def remote_problems(home: Path) -> Iterator[tuple[str, str, str | None]]:
    """Try what machines share by URL, by a small file; yields its name, its variable, and what is wrong, or None."""
    url = os.environ.get("HOOKLINE_STORE_REMOTE")
    if url:
        yield "remote store", "HOOKLINE_STORE_REMOTE", _problem_at(url)
    shelf = shelf_of(home)
    if shelf is not None:
        yield "remote models", VARIABLE, _problem_at(shelf.url, VARIABLE)


def remote_todo(variable: str, problem: str) -> str:
    """Return what to do about a URL by what was said of it."""
    if "bucket does not exist" in problem or "NoSuchBucket" in problem:
        return f"make the bucket, or name another in {variable}"
    if "Could not connect" in problem:
        return "see to AWS_ENDPOINT_URL, and that the server is up"
    if "cannot be opened" in problem:
        return f"give {variable} a URL that fsspec knows, such as s3://bucket/models or file:///mnt/models"
    return f"see to {variable}, its credentials in the environment, and what it may write"


def _problem_at(url: str, named_in: str = "HOOKLINE_STORE_REMOTE") -> str | None:
    try:
        mirror = Remote(url, Signer(read_key()), named_in, lasting=True)
    except StoreError as error:
        return error.message
    return None if mirror.answers() else mirror.problem


def half_shared(home: Path) -> tuple[str, str] | None:
    """Say what machines share only half of, and what to do; None where they share nothing, or all that they must."""
    catalog, models = bool(os.environ.get("HOOKLINE_CATALOG")), shelf_of(home) is not None
    if catalog and not models and file_of(catalog_url(home)) is None:
        told = "machines share the catalog and no packages: a version answers only on the machine that made it"
        return told, f"set {VARIABLE} to a URL such as s3://bucket/models on every machine"
    if models and not catalog:
        return "machines share packages and no catalog: none hears of another's versions", (
            "set HOOKLINE_CATALOG to the same database on every machine"
        )
    return None


def catalog_facts(home: Path) -> CatalogFacts:
    """Count what a catalog holds; raises StoreError where it cannot be read."""
    url = catalog_url(home)
    if is_locked(url):
        return CatalogFacts(locked=True)
    catalog = Catalog(url, home)
    models = catalog.models.every_version()
    at = shown(url) if os.environ.get("HOOKLINE_CATALOG") else ""
    return CatalogFacts(catalog.runs.count(), len(models), tuple(_damaged(catalog, models)), at=at)


def online_facts(home: Path) -> tuple[int, list[str], str]:
    """Return how many joins of feature sets are stored, which of them are stale, and where; raises FeaturesAway."""
    from hookline.live.featuring.online.store import OnlineStore

    with OnlineStore(home) as store:
        found = store.stored()
        return len(found), [f"{one.set}.{one.join}" for one in found if one.stale], store.place


def _damaged(catalog: Catalog, models: Sequence[ModelRecord]) -> Iterator[Damaged]:
    """Read every registered package, and yield those that are not as they were written."""
    shelf = catalog.models.shelf
    for record in models:
        if shelf is not None and not Path(record.path).is_dir() and shelf.has(Path(record.path)):
            continue  # It is brought when it is asked for.
        try:
            verify(Path(record.path))
        except HooklineError as error:
            yield Damaged(f"{record.name}:{record.version}", error.message, _remedy(catalog, record))


def _remedy(catalog: Catalog, record: ModelRecord) -> str:
    """Return what makes a registered package whole again: the run that made it still holds it, or a copy of the home does."""
    run = catalog.runs.find(record.run_id)
    if run is None or run.id != record.run_id:
        return f"put {record.path} back from a copy of the home, or promote another version"
    for folder in Path(run.path).glob("packages/*"):
        with suppress(HooklineError):
            if verify(folder)["packager"] == record.format:
                return f"hookline models register {run.id} --package {folder.name}"
    return f"put {record.path} back from a copy of the home, or promote another version"


def size_text(size: float) -> str:
    """Return bytes as a person reads them."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
