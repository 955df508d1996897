"""Batches of streams that a home could do without: made use of, and of no use to any version that is still there."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from hookline.errors import HooklineError, StoreError
from hookline.packages.manifest import read_manifest
from hookline.workspace.tidying import Litter, size_of
from hookline.workspace.workspace import Workspace

from ..learners import position_in
from .batches import FOLDER, Batch, Batches
from .learning import LEARNED
from .watching import MARK, WATCHED, position_at


def spent_batches(workspace: Workspace, keep: int, age: timedelta) -> list[Litter]:
    """Return batches that were made use of, beyond the newest `keep` of each stream, that are older than an age.

    Of those that a model learns from, all stay that follow the position of a registered version which none has learned on
    from: that is who goes on, whichever is in charge. Of those that are watched, all stay that were not looked at. A stream
    with a damaged file is left as it is. Removes nothing.
    """
    before, found = time.time() - age.total_seconds(), list[Litter]()
    for folder in sorted((workspace.home / FOLDER).glob("*/*")):
        # Whoever makes use of a damaged file says what to do about it, and another process may remove one at this moment.
        with suppress(StoreError, FileNotFoundError):
            found += _of_stream(Batches(folder), _needed_after(workspace, folder), keep, before)
    return found


def let_go(found: Collection[Litter]) -> int:
    """Remove batches that `spent_batches` found, and return the bytes that were freed."""
    for one in found:
        # Without its note, whoever asks for the batch reads it from the source; without its rows there would be an error.
        one.path.unlink(missing_ok=True)
        one.path.with_suffix(".parquet").unlink(missing_ok=True)
    return sum(one.size for one in found)


def _needed_after(workspace: Workspace, folder: Path) -> Collection[str]:
    """Return the positions after which batches are still to be made use of; none where nobody knows them all."""
    if folder.name == LEARNED:
        return _learned(workspace, folder.parent.name)
    position = position_at(folder / MARK) if folder.name == WATCHED else None
    return () if position is None else (position,)


def _learned(workspace: Workspace, model: str) -> Collection[str]:
    """Return up to where the versions that go on have learned; nothing where one of them cannot be asked, or does not say it."""
    models = workspace.catalog.models
    try:
        told = (
            {one.version: read_manifest(Path(one.path)) for one in models.versions(model)} if models.has(model) else {}
        )
    except (HooklineError, OSError):
        return ()
    went_on = {
        str(learned["version"]) for one in told.values() if (learned := one.get("updated_from")) and learned.get("upto")
    }
    positions = [position_in(one) for version, one in told.items() if str(version) not in went_on]
    # One that says nothing may begin with the first row that was ever stored.
    return () if None in positions else {one.upto for one in positions if one is not None}


def _of_stream(batches: Batches, needed_after: Collection[str], keep: int, before: float) -> Iterator[Litter]:
    every = batches.every()
    needed = {one.after for position in needed_after for one in batches.since(position)}
    # Others, which lead to no position that somebody has got to, may be what somebody is about to learn.
    used = {one.after for position in needed_after for one in _up_to(every, position)}
    spent = [one for one in every if one.after in used - needed]
    for batch in spent[: max(0, len(spent) - keep)]:
        note = batches.note(batch)
        if note.stat().st_mtime < before:
            rows = note.with_suffix(".parquet")
            model, purpose = note.parent.parts[-2:]
            yield Litter(
                "batch", f"{model}/{purpose}/{note.stem}", note, size_of(note) + (size_of(rows) if rows.exists() else 0)
            )


def _up_to(every: Collection[Batch], position: str) -> Iterator[Batch]:
    """Yield the batches that lead to a position, from the last one back."""
    by_end = {one.upto: one for one in every}
    batch, seen = by_end.get(position), set[str]()
    while batch is not None and batch.upto not in seen:
        yield batch
        seen.add(batch.upto)
        batch = None if batch.after is None else by_end.get(batch.after)
