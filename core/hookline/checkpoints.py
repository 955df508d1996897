"""Where a trainer keeps checkpoints, so that a killed run's next try goes on from the last one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_folder: ContextVar[Path | None] = ContextVar("hookline_checkpoints", default=None)


def checkpoint_folder() -> Path | None:
    """Return the folder for the fit that is under way, or None outside a run.

    The same trainer with the same fields on the same data gets the same folder again; it is removed once the fit succeeds.
    """
    folder = _folder.get()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def checkpoints_in(folder: Path) -> Iterator[None]:
    """Let `checkpoint_folder` return `folder` within this block."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)
