"""A model's predictions on record: filtered by time and version, counted and looked up without holding them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from heapq import nlargest
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError, UnknownName, UsageError
from hookline.runs.names import split_model_name
from hookline.workspace.workspace import Workspace, open_workspace

from ..records import Recorded, Records, TypedRecords
from ..segments import parquet, segment
from ..segments.lines import record_of
from ..segments.moments import time_of
from ..segments.reading import read_records
from ..segments.standing import steady
from ..segments.tables import facts, recorded, typed
from ..segments.wanted import Wanted
from .files import backwards, by_day, files_between
from .times import moment_of
from .writing import BACK

if TYPE_CHECKING:
    import polars as pl

FOLDER = "predictions"
"""The folder in the home that holds a log a model."""
MOST_SHOWN = 5

Moment = str | date | timedelta | None
"""An ISO time or date, UTC where it names no zone; how long ago it was, such as `7d`; or None."""


class Unrecorded(DataError):
    """Nothing of what was asked for is on record."""


@dataclass(frozen=True)
class Predictions:
    """The records of a model's prediction log; every pass reads them from its files, and holds one at a time.

    A record has `id`, `time` (ISO, UTC), `model`, `version`, `row` as it came, `prediction`, and of classes
    `probabilities`. They come file by file, in the order of their days; what a crash tore at the end of a file is left out.
    """

    model: str
    folder: Path
    since: datetime | None = None
    """From when on, UTC."""
    until: datetime | None = None
    """Before when, UTC."""
    version: int | None = None
    """The version that answered; None for all."""
    arm: str | None = None
    """The arm that it answered for; None for all."""
    given: bool = False
    """Only answers that somebody was given: not those of a version that was asked in the shadow."""
    served: bool = False
    """Only answers of servers: not those to the rows of a table, of `predict --log`."""

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Yield the records; raises DataError where a line in between is none."""
        return read_records(self.files(), self.wanted)

    @property
    def wanted(self) -> Wanted:
        """Which records these are."""
        return Wanted(self.since, self.until, self.version, self.arm, self.given, self.served)

    def count(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)

    def newest(self, limit: int) -> list[Mapping[str, Any]]:
        """Return the newest by their times, the newest first; reads the files from their ends, and no more than it needs."""
        return steady(lambda: self._newest(limit))

    def _newest(self, limit: int) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for files in by_day(self.files()) if limit > 0 else ():
            for path in files:
                found += self._newest_in(path, limit)
            found = nlargest(limit, found, key=time_of)
            if len(found) == limit:
                break
        return found

    def records(self) -> Recorded:
        """Return those whose rows were kept, all at once, held; as a table where their values are of one type each.

        Raises Unrecorded where there are none, DataError where a line is none.
        """
        table = steady(lambda: typed(self.files(), self.wanted))
        every = TypedRecords(self.model, table) if table is not None else Records(tuple(self))
        # Without any record there is no column that says which rows were kept.
        if not len(every):
            raise Unrecorded(f"no answer of '{self.model}' is on record{self.said()}", hint=self.hint())
        found = every.kept()
        if not len(found):
            raise Unrecorded(
                f"of no answer of '{self.model}'{self.said()} the row was kept", hint="see `sample` in log.yaml"
            )
        return found

    def facts(self) -> pl.DataFrame:
        """Return `id`, `time`, `version`, `arm` and `of` of each, as a table."""
        return steady(lambda: facts(self.files(), self.wanted))

    def recorded(self, ids: Collection[str]) -> set[str]:
        """Return which of these ids are on record, whatever else is asked for."""
        return steady(lambda: recorded(files_between(self.folder, None, None), ids)) if ids else set()

    def said(self) -> str:
        """Return what was asked for, in words that follow others."""
        version = "" if self.version is None else f" by version {self.version}"
        version += "" if self.arm is None else f" for arm '{self.arm}'"
        since = "" if self.since is None else f" since {self.since:%Y-%m-%d %H:%M} UTC"
        until = "" if self.until is None else f" until {self.until:%Y-%m-%d %H:%M} UTC"
        return f"{version}{since}{until}"

    def hint(self) -> str:
        """Return what to do where there are none."""
        if (self.said() or self.served) and files_between(self.folder, None, None):
            return f"`hookline predictions list {self.model}` shows the newest"
        return f"`hookline serve {self.model}` records what it answers"

    def files(self) -> Sequence[Path]:
        """Return the files that may hold them."""
        return files_between(self.folder, self.since, self.until, self.version)

    def _newest_in(self, path: Path, limit: int) -> Iterable[Mapping[str, Any]]:
        if path.suffix != segment.SUFFIX:
            return parquet.newest(path, self.wanted, limit)
        found = (record for line in backwards(path) if (record := record_of(line)) is not None)
        # The records of one file follow each other in time, but for those that took a while to be answered.
        since = self.since
        recent = takewhile(lambda record: since is None or since - time_of(record) <= BACK, found)
        return islice(filter(self.wanted.has, recent), limit)


def predictions(
    model: str,
    since: Moment = None,
    until: Moment = None,
    version: int | None = None,
    arm: str | None = None,
    *,
    home: str | Path | None = None,
) -> Predictions:
    """Return what a model answered, as the servers put it on record: iterate, or ask for `count()` and `newest(20)`.

    model: `churn`, or with a version, `churn:3` or `churn@staging`
    since, until: an ISO time, UTC where it names no zone, or how long ago it was, such as `7d`
    arm: the part that the version played in the policy, such as `canary`
    Raises UnknownName for a model or version that there is not, UsageError for what is no time.
    """
    return predictions_in(open_workspace(home), model, since, until, version, arm)


def predictions_in(
    workspace: Workspace,
    model: str,
    since: Moment = None,
    until: Moment = None,
    version: int | None = None,
    arm: str | None = None,
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
    return Predictions(name, log / name, begin, end, number, arm)


def whole_log(workspace: Workspace, model: str) -> Predictions:
    """Return a model's log for who changes its files, which hold every version's records; raises UsageError for one version."""
    log = predictions_in(workspace, model)
    if log.version is not None:
        raise UsageError(
            f"'{model}' is one version, and the files of a log hold the answers of all", hint=f"name {log.model}"
        )
    return log


def logged(workspace: Workspace) -> list[str]:
    """Return the models that have a log in the home, also those that no catalog knows."""
    log = workspace.home / FOLDER
    return sorted(path.name for path in log.iterdir() if path.is_dir()) if log.is_dir() else []


def record_named(workspace: Workspace, start: str) -> Mapping[str, Any]:
    """Return the record that an id, or its first letters, names among those of all models.

    Raises UnknownName where there is none, UsageError where several begin so.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for name in logged(workspace):
        found |= _named_in(workspace.home / FOLDER / name, start)
        if start in found:
            return found[start]
    if not start or not found:
        hint = "`hookline predictions list MODEL` shows the newest"
        raise UnknownName("prediction", start, (), hint=hint)
    if len(found) > 1:
        shown = ", ".join(sorted(found)[:MOST_SHOWN])
        raise UsageError(f"several predictions begin with '{start}': {shown}", hint="type more of the id")
    return next(iter(found.values()))


def _named_in(folder: Path, start: str) -> dict[str, Mapping[str, Any]]:
    def find() -> dict[str, Mapping[str, Any]]:
        files = files_between(folder, None, None)
        return {record["id"]: record for path in files for record in _named(path, start)}

    return steady(find)


def _named(path: Path, start: str) -> Sequence[Mapping[str, Any]]:
    """Return the first records of a file whose ids begin so; only lines that hold these letters are read as JSON."""
    if path.suffix != segment.SUFFIX:
        return parquet.named(path, start, MOST_SHOWN)
    letters = start.encode(errors="replace")
    with path.open("rb") as file:
        found = (record for line in file if letters in line and (record := record_of(line)) is not None)
        return list(islice((record for record in found if str(record["id"]).startswith(start)), MOST_SHOWN))
