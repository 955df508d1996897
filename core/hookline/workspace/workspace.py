"""A home with its store and its catalog."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hookline.errors import StoreError

from .catalog.catalog import Catalog
from .catalog.sql.engine import catalog_url, file_of
from .disk import can_write
from .store import Store


@dataclass(frozen=True)
class Workspace:
    """A home folder with its store and its catalog."""

    home: Path
    catalog: Catalog

    @cached_property
    def store(self) -> Store:
        """The store, opened when it is first asked for; raises StoreError where it cannot be."""
        return Store(self.home / "store", remote=os.environ.get("HOOKLINE_STORE_REMOTE"))

    @classmethod
    def open(cls, home: Path) -> Workspace:
        """Open the workspace in a folder, made where there is none; raises StoreError where it can be neither read nor made.

        One that cannot be written is read all the same: what would write to it raises StoreError.
        """
        url = catalog_url(home)
        if not can_write(home) and home.is_dir():
            _require_catalog(home, url)
        else:
            make_home(home)
        return cls(home, Catalog(url, home))

    @contextmanager
    def package_place(self, model: str, fingerprint: str) -> Iterator[Path]:
        """Give the folder of a version's package, held between processes: who registers it waits for who deletes it, and back.

        So they do in other homes that share the catalog, as these may share the package too.
        fingerprint: what the version is known by
        """
        path = self.home / "models" / model / fingerprint[:16]
        what = f"package {model} {path.name}"
        with self.store.lock(hashlib.sha256(what.encode()).hexdigest()), self.catalog.database.alone(what):
            yield path

    @contextmanager
    def deciding(self, model: str) -> Iterator[None]:
        """Be the only one to say which version of a model is to answer: in this home, and among all that share a server."""
        what = f"deploy {model}"
        with self.store.lock(hashlib.sha256(what.encode()).hexdigest()), self.catalog.database.alone(what):
            yield

    def require_writable(self) -> None:
        """Raise StoreError where nothing can be written to the home."""
        if not can_write(self.home):
            raise _unwritable(self.home, "it may only be read")


_held: ContextVar[Workspace | None] = ContextVar("hookline_workspace", default=None)


def make_home(home: Path) -> None:
    """Make a home's folder, which versions of code are to ignore; raises StoreError where it cannot be."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        ignore = home / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", "utf-8")
    except OSError as error:
        reason = "it is a file" if home.is_file() else error.strerror
        raise _unwritable(home, str(reason)) from error


def _require_catalog(home: Path, url: str) -> None:
    file = file_of(url)
    if file is not None and not file.exists():
        raise _unwritable(home, "there is no catalog in it yet, and none can be made")


def _unwritable(home: Path, reason: str) -> StoreError:
    return StoreError(f"{home} cannot be written: {reason}", hint="set HOOKLINE_HOME to a folder of yours")


def open_workspace(home: str | Path | None = None) -> Workspace:
    """Open the workspace: runs, models, store and catalog; one that is held open by this thread's work is that one."""
    from .home import home as default_home

    place, held = Path(home).absolute() if home else default_home(), _held.get()
    return held if held is not None and held.home == place else Workspace.open(place)


@contextmanager
def held_open(workspace: Workspace) -> Iterator[None]:
    """Let `open_workspace` return a workspace within this block where its home is meant, for who asks much again and again."""
    token = _held.set(workspace)
    try:
        yield
    finally:
        _held.reset(token)
