"""Where hookline keeps things, and how runs are named there."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

from hookline.errors import StoreError

from .files import write_whole

_home: ContextVar[Path | None] = ContextVar("hookline_home", default=None)
_folder: ContextVar[Path | None] = ContextVar("hookline_cache", default=None)


def home() -> Path:
    """Return where runs, models, the store and the catalog live: HOOKLINE_HOME, else `.hookline` here."""
    return _home.get() or Path(os.environ.get("HOOKLINE_HOME") or ".hookline").absolute()


@contextmanager
def home_in(folder: str | Path | None) -> Iterator[None]:
    """Let `home` return `folder` within this block; None leaves it as it is."""
    token = _home.set(Path(folder).absolute() if folder else _home.get())
    try:
        yield
    finally:
        _home.reset(token)


def cache_folder() -> Path:
    """Return the folder for such things, `cache` in the home of the run; it need not exist yet."""
    return _folder.get() or home() / "cache"


@contextmanager
def cache_in(folder: Path) -> Iterator[None]:
    """Let `cache_folder` return `folder` within this block."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def keep(name: str, content: bytes) -> None:
    """Write a file of the cache in one step; where it cannot be written, it is found out again the next time."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", "utf-8")
        write_whole(folder / name, content)
    except OSError:
        return


def kept(name: str) -> bytes | None:
    """Read a file of the cache; None where there is none."""
    try:
        return (cache_folder() / name).read_bytes()
    except OSError:
        return None


RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


def new_run_id() -> str:
    """Return an id that sorts by time and that no other process makes: `20261123-190501-3fa2c9`."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def run_id_of(folder: Path) -> str:
    """Return the id of a run from the folder that Hydra gave it; a job of a sweep has the sweep's id and its number."""
    if RUN_ID.fullmatch(folder.name):
        return folder.name
    if RUN_ID.fullmatch(folder.parent.name):
        return f"{folder.parent.name}-{folder.name}"
    return new_run_id()


class FolderTaken(StoreError):
    """A folder that is to be a run's own, and is another's."""


def claim(folder: Path, run_id: str) -> None:
    """Make a folder a run's own; raises FolderTaken where it is another's, StoreError where it cannot be written."""
    # Exclusive create: of two runs that were given one folder, the second is told, rather than both writing there.
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "run.json").open("x", encoding="utf-8") as file:
            json.dump({"id": run_id}, file)
    except FileExistsError:
        raise FolderTaken(
            f"{folder} already belongs to another run",
            hint="give each run its own folder, or leave hydra.run.dir alone",
        ) from None
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}") from error
