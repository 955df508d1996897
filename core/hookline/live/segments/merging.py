"""Small closed segments of one day and version, gathered into one: a server that is begun often leaves many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from . import parquet
from .standing import standing
from .turning import Kind, Turning, kind_of

SMALL_BYTES = 4 * 1024 * 1024
"""A closed segment of fewer is gathered with others."""


def small_segments(folder: Path, today: date) -> Iterator[tuple[Kind, Sequence[Path]]]:
    """Yield the small closed segments of each day before this one and version, where there are several."""
    found: dict[Kind, list[Path]] = defaultdict(list)
    for path in standing(folder):
        kind = kind_of(path.name)
        if kind is not None and kind[0] < today.isoformat() and path.stat().st_size < SMALL_BYTES:
            found[kind].append(path)
    yield from ((kind, paths) for kind, paths in found.items() if len(paths) > 1)


def merged(folder: Path, kind: Kind, paths: Sequence[Path], unread: dict[str, str]) -> Turning:
    """Return the same records gathered, on the disk under temporary names; raises OSError.

    unread: gets what cannot be read, which stays as it is -> why
    """
    turning = Turning(folder)
    try:
        for path in paths:
            _take(turning, kind, path, unread)
        turning.finish()
    except BaseException:
        turning.forget()
        raise
    return turning


def _take(turning: Turning, kind: Kind, path: Path, unread: dict[str, str]) -> None:
    import polars as pl

    try:
        # A column named so is what makes it one; of what somebody else wrote, nothing is taken.
        frame = pl.scan_parquet(path, glob=False).with_columns(parquet.written_anew(path)).collect()
    except pl.exceptions.PolarsError as error:
        unread[path.name] = f"it cannot be read: {error}"
        return
    turning.hold(kind, frame)
