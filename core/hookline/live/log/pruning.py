"""Old records taken out of a log: whole files removed, and the one that straddles written again without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hookline.workspace.workspace import open_workspace

from ..segments import parquet, segment
from ..segments.segment import try_lock
from ..segments.standing import steady
from ..segments.swapping import swap
from ..segments.turning import Turning, Unread, timed_lines
from .compacting import changing
from .files import files_between
from .predictions import whole_log
from .times import before


@dataclass(frozen=True)
class Old:
    """A file that holds records from before a moment."""

    path: Path
    old: int
    """Records from before."""
    records: int
    size: int
    """Bytes."""

    @property
    def whole(self) -> bool:
        """Whether nothing in it is younger."""
        return self.old == self.records


@dataclass(frozen=True)
class Pruned:
    """What is taken out of a log, or would be."""

    model: str
    before: datetime
    """Records from before this moment, UTC."""
    files: tuple[Old, ...]
    held: int
    """Files with old records that a writer still holds, or that hold what is no record; they stay."""

    @property
    def records(self) -> int:
        """Records that are taken out."""
        return sum(one.old for one in self.files)


def prune_predictions(
    model: str,
    older_than: str | timedelta | datetime,
    *,
    dry_run: bool = False,
    home: str | Path | None = None,
) -> Pruned:
    """Take a model's records out of its log that are older than a span, such as `90d`, or than a moment, UTC.

    Labels of them stay, and count as those of answers that are not on record. dry_run: only say what would be taken out
    Raises UnknownName, UsageError for what is no span and for one version, and StoreError where the disk does not allow it.
    """
    log = whole_log(open_workspace(home), model)
    moment = older_than if isinstance(older_than, datetime) else before(datetime.now(UTC), older_than, "older_than")
    if dry_run or not log.folder.is_dir():
        return steady(lambda: _found(log.model, log.folder, moment))
    with changing(log.folder):
        found = _found(log.model, log.folder, moment)
        _take_out(log.folder, found)
    return found


def _found(model: str, folder: Path, moment: datetime) -> Pruned:
    counted = [(path, _count(path, moment)) for path in files_between(folder, None, moment)]
    files = [Old(path, *count, path.stat().st_size) for path, count in counted if count is not None and count[0]]
    return Pruned(model, moment, tuple(files), sum(count is None for _, count in counted))


def _count(path: Path, moment: datetime) -> tuple[int, int] | None:
    """Return how many records of a file are older, and how many there are; None where it may not be touched."""
    import polars as pl

    if path.suffix != segment.SUFFIX:
        old = (pl.col("time") < moment).sum()
        counts = pl.scan_parquet(path, glob=False).select(old.alias("old"), pl.len().alias("all")).collect().row(0)
        return int(counts[0]), int(counts[1])
    with path.open("rb") as file:
        # Before it is read: what a writer adds until it lets go would be taken out unread.
        closed = try_lock(file)
        try:
            times = [one.time < moment for one in timed_lines(path)]
        except Unread:
            return None
    return (sum(times), len(times)) if closed or not any(times) else None


def _take_out(folder: Path, found: Pruned) -> None:
    turning = Turning(folder)
    try:
        for one in found.files:
            if not one.whole:
                _keep(turning, one.path, found.before)
        turning.finish()
    except BaseException:
        turning.forget()
        raise
    gone: Sequence[str] = [one.path.name for one in found.files]
    if gone:
        swap(folder, turning.written, gone)


def _keep(turning: Turning, path: Path, moment: datetime) -> None:
    """Gather what stays of a file."""
    import polars as pl

    if path.suffix == segment.SUFFIX:
        turning.take((one for one in timed_lines(path) if one.time >= moment), path.name)
        return
    frame = pl.scan_parquet(path, glob=False).filter(pl.col("time") >= moment).collect()
    first = frame.select("time", "version").row(0)
    turning.hold((first[0].date().isoformat(), first[1]), frame.with_columns(parquet.written_anew(path)))
