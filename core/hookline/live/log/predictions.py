"""A model's predictions on record: filtered by time and version, counted and looked up without holding them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from heapq import nlargest
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from hookline.errors import DataError, UnknownName, UsageError
from hookline.runs.names import split_model_name
from hookline.workspace.workspace import Workspace, open_workspace

from ..records import Records, read_records, record_of
from .files import backwards, by_day, files_between
from .times import in_utc, moment_of

FOLDER = "predictions"
"""The folder in the home that holds a log a model."""
MOST_SHOWN = 5

Moment = str | date | timedelta | None
"""An ISO time or date, UTC where it names no zone; how long ago it was, such as `7d`; or None."""


@dataclass(frozen=True)
class Predictions:
    """The records of a model's prediction log; every pass reads them from its files, and holds one at a time.

    A record has `id`, `time` (ISO, UTC), `model`, `version`, `row` as it came, `prediction`, and of classes
    `probabilities`. They come in the order of files and lines; what a crash tore at the end of a file is left out.
    """

    model: str
    folder: Path
    since: datetime | None = None
    """From when on, UTC."""
    until: datetime | None = None
    """Before when, UTC."""
    version: int | None = None
    """The version that answered; None for all."""

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Yield the records; raises DataError where a line in between is none."""
        return (record for record in read_records(self._files()) if self._has(record))

    def count(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)

    def newest(self, limit: int) -> list[Mapping[str, Any]]:
        """Return the newest by their times, the newest first; reads the files from their ends, and no more than it needs."""
        found: list[Mapping[str, Any]] = []
        for files in by_day(self._files()) if limit > 0 else ():
            for path in files:
                found += islice(self._from_end(path), limit)
            found = nlargest(limit, found, key=time_of)
            if len(found) == limit:
                break
        return found

    def records(self) -> Records:
        """Return all of them at once, held; raises DataError where there are none."""
        found = tuple(self)
        if not found:
            raise DataError(f"no answer of '{self.model}' is on record{self.said()}", hint=self.hint())
        return Records(found)

    def said(self) -> str:
        """Return what was asked for, in words that follow others."""
        version = "" if self.version is None else f" by version {self.version}"
        since = "" if self.since is None else f" since {self.since:%Y-%m-%d %H:%M} UTC"
        until = "" if self.until is None else f" until {self.until:%Y-%m-%d %H:%M} UTC"
        return f"{version}{since}{until}"

    def hint(self) -> str:
        """Return what to do where there are none."""
        if self.said() and files_between(self.folder, None, None):
            return f"`hookline predictions list {self.model}` shows the newest"
        return f"`hookline serve {self.model}` records what it answers"

    def _files(self) -> Sequence[Path]:
        return files_between(self.folder, self.since, self.until)

    def _has(self, record: Mapping[str, Any]) -> bool:
        if self.version is not None and record["version"] != self.version:
            return False
        if self.since is None and self.until is None:
            return True
        time = time_of(record)
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)

    def _from_end(self, path: Path) -> Iterator[Mapping[str, Any]]:
        found = (record for line in backwards(path) if (record := record_of(line)) is not None)
        # The records of one file follow each other in time.
        recent = takewhile(lambda record: self.since is None or time_of(record) >= self.since, found)
        return filter(self._has, recent)


def time_of(record: Mapping[str, Any]) -> datetime:
    """Return when a record was written, UTC; raises DataError where it does not say."""
    try:
        return in_utc(record["time"], UTC)[0]
    except ValueError as error:
        raise DataError(
            f"the record {record['id']} of '{record['model']}' has no time: {error}",
            hint="take its line out of the log",
        ) from None


def predictions(
    model: str,
    since: Moment = None,
    until: Moment = None,
    version: int | None = None,
    *,
    home: str | Path | None = None,
) -> Predictions:
    """Return what a model answered, as the servers put it on record: iterate, or ask for `count()` and `newest(20)`.

    model: `churn`, or with a version, `churn:3` or `churn@staging`
    since, until: an ISO time, UTC where it names no zone, or how long ago it was, such as `7d`
    Raises UnknownName for a model or version that there is not, UsageError for what is no time.
    """
    return predictions_in(open_workspace(home), model, since, until, version)


def predictions_in(
    workspace: Workspace, model: str, since: Moment = None, until: Moment = None, version: int | None = None
) -> Predictions:
    """Return the same of an open workspace."""
    name, number, alias = split_model_name(model)
    models, log = workspace.catalog.models, workspace.home / FOLDER
    known = {*models.names(), *logged(workspace)}
    if name not in known:
        raise UnknownName("model", name, known)
    if alias is not None:
        number = models.get(name, alias).version
    if version is not None and number is not None and version != number:
        raise UsageError(f"'{model}' is version {number}, and version {version} is asked for", hint=f"name {name}")
    number = version if number is None else number
    if number is not None and models.has(name):
        models.get(name, number)
    now = datetime.now(UTC)
    begin, end = moment_of(since, "since", now), moment_of(until, "until", now)
    if begin is not None and end is not None and begin >= end:
        raise UsageError(
            f"since {begin:%Y-%m-%d %H:%M} is not before until {end:%Y-%m-%d %H:%M}", hint="change the two"
        )
    return Predictions(name, log / name, begin, end, number)


def logged(workspace: Workspace) -> list[str]:
    """Return the models that have a log in the home, also those that no catalog knows."""
    log = workspace.home / FOLDER
    return sorted(path.name for path in log.iterdir() if path.is_dir()) if log.is_dir() else []


def record_named(workspace: Workspace, start: str) -> Mapping[str, Any]:
    """Return the record that an id, or its first letters, names among those of all models.

    Raises UnknownName where there is none, UsageError where several begin so.
    """
    letters = start.encode(errors="replace")
    found: dict[str, Mapping[str, Any]] = {}
    for name in logged(workspace):
        for path in files_between(workspace.home / FOLDER / name, None, None):
            found |= {record["id"]: record for record in islice(_named(path, letters, start), MOST_SHOWN)}
        if start in found:
            return found[start]
    if not start or not found:
        hint = "`hookline predictions list MODEL` shows the newest"
        raise UnknownName("prediction", start, (), hint=hint)
    if len(found) > 1:
        shown = ", ".join(sorted(found)[:MOST_SHOWN])
        raise UsageError(f"several predictions begin with '{start}': {shown}", hint="type more of the id")
    return next(iter(found.values()))


def _named(path: Path, letters: bytes, start: str) -> Iterator[Mapping[str, Any]]:
    """Yield the records of a file whose ids begin so; only lines that hold these letters are read as JSON."""
    with path.open("rb") as file:
        for line in file:
            record = record_of(line) if letters in line else None
            if record is not None and str(record["id"]).startswith(start):
                yield record
