"""Where a component keeps what it would only have to find out again; everything there may be deleted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_folder: ContextVar[Path | None] = ContextVar("hookline_cache", default=None)


def home() -> Path:
    """Return where runs, models, the store and the catalog live: HOOKLINE_HOME, else `.hookline` here."""
    return Path(os.environ.get("HOOKLINE_HOME") or ".hookline").absolute()


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
    temporary = folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", "utf-8")
        temporary.write_bytes(content)
        temporary.replace(folder / name)
    except OSError:
        return


def kept(name: str) -> bytes | None:
    """Read a file of the cache; None where there is none."""
    try:
        return (cache_folder() / name).read_bytes()
    except OSError:
        return None
