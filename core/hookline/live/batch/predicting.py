"""A table's rows answered: into a file that a killed command goes on with, or as they come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.frames import mark_missing, to_polars
from hookline.kinds.capabilities import Explains
from hookline.kinds.deployments import Trust
from hookline.kinds.kinds import Source
from hookline.kinds.plain import plain
from hookline.packages import scoring
from hookline.packages.door.files import MANIFEST
from hookline.packages.parts import KEY_LETTERS
from hookline.packages.reading import Reading, reading_in, rows_of, source_at
from hookline.packages.scoring import Answer, Tally, Teller, score, score_to
from hookline.registry.registry import Registry, load_registry
from hookline.version import __version__
from hookline.workspace.piped import STDIN, is_pipe
from hookline.workspace.workspace import open_workspace

from ..log.predictions import FOLDER
from .panel import Panel, Who, asker, who_answers
from .recording import Recorder, unrecorded

if TYPE_CHECKING:
    import polars as pl

EXPLAINED_ROWS = 10_000
"""Rows of a chunk whose answers are explained."""
HERE = "here"
"""The scorer that is this process."""


def predict(
    model: str | Path,
    data: Any,
    output: str | Path | None = None,
    *,
    log: bool | str | Path = False,
    on: str | None = None,
    explain: bool | str | Explains = False,
    formulas: bool = False,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    source: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
) -> pl.DataFrame | Path:
    """Answer every row of a table, in order: row_id, prediction, probability_<class>, warnings; a model as its policy says.

    model: as for `load`; data: a path, a polars or pandas data frame, or a source
    output: a .csv, .parquet, .ndjson or .arrow file, which is returned once it is whole; a process that was killed is gone on
        with where the same is asked again. Without, the answers are returned.
    log: whether each answer is put on record, under its `prediction_id`; or the folder of the log
    on: the scorer that a plugin brings, such as `ray`; by default this process
    explain: whether it is told beside each answer what moved it, as `explain` tells it (base, moved_<column>); or by whom
    source: fields of the source, to read this file otherwise than the training rows, such as {"separator": ";"}
    Raises UsageError, UnknownName, DataError, StoreError or UntrustedPackage.
    """
    who = who_answers(model, trust, None if contract is None else Path(contract), home)
    registry = load_registry()
    panel = who.load(registry)
    work = Work.of(registry, who, panel, on, explain=explain).recorded(log, home).reading(data, source or {})
    if output is None:
        import polars as pl

        return pl.concat(work.frames(Tally()))
    work.write(Path(output), formulas=formulas)
    return Path(output)


@dataclass(frozen=True)
class Work:
    """A table, who answers for its rows, and where."""

    registry: Registry
    who: Who
    panel: Panel
    answer: Answer
    rows: pl.LazyFrame | None = None
    said: Mapping[str, Any] | None = None
    """What tells the table and its reading from others; None where it cannot be read again."""
    recorder: Recorder | None = None
    explain: bool | str | Explains = False

    @classmethod
    def of(
        cls,
        registry: Registry,
        who: Who,
        panel: Panel,
        on: str | None = None,
        *,
        explain: bool | str | Explains = False,
    ) -> Work:
        """Return the work of a panel, done by a scorer; raises UnknownName where no plugin brings it.

        explain: whether answers come with what moved them, and by whom that is said; raises where nobody can say it.
        """
        by = None if isinstance(explain, bool) else explain
        asked = panel.explaining(by) if explain else panel
        if on is None or on == HERE:
            return cls(registry, who, panel, partial(map, asked.ask), explain=explain)
        answer = partial(registry.scorer(on), partial(asker, who, bool(explain), by))
        return cls(registry, who, panel, answer, explain=explain)

    def recorded(self, log: bool | str | Path, home: str | Path | None = None) -> Work:
        """Return the same with its answers on record: in the model's log, or in a folder."""
        if log is False:
            return self
        name = self.who.model or str(self.panel.live.manifest["name"])
        folder = open_workspace(home).home / FOLDER / name if log is True else Path(log)
        return replace(self, recorder=Recorder(self.panel, folder))

    def reading(self, data: Any, fields: Mapping[str, Any]) -> Work:
        """Return the same of some rows: a source, a data frame, or a path, read as the training rows were but for fields."""
        if isinstance(data, Source):
            told = {"data": data.fingerprint(), "path": data.name, "reading": plain(data)}
            return replace(self, rows=rows_of(data).frame, said=told)
        if not isinstance(data, (str, Path)):
            return replace(self, rows=mark_missing(to_polars(data).lazy()), said=None)
        reading = self.reads.but(fields)
        source = source_at(self.registry, str(data), self.panel.schema, reading)
        passing = str(data) == STDIN or is_pipe(str(data))
        # Before the rows are read, so that what changes meanwhile is another table.
        said = None if passing else {"data": source.fingerprint(), "path": str(data), "reading": reading.plain}
        return replace(self, rows=rows_of(source).frame, said=said)

    @property
    def reads(self) -> Reading:
        """How the training rows of the version in charge were read."""
        return reading_in(self.panel.live.manifest)

    def count(self) -> int:
        """Return how many rows there are; of some formats all of them are read for it."""
        import polars as pl

        assert self.rows is not None
        count: int = self.rows.select(pl.len()).collect(engine="streaming").item()
        return count

    def frames(self, tally: Tally) -> Iterator[pl.DataFrame]:
        """Yield the answers, in order; each is on record before, where that is asked."""
        assert self.rows is not None
        try:
            yield from score(self.answer, self.rows, tally, keep=self.recorder, most=self._most)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise unrecorded(error, "leave --log out, or free the disk") from error

    def write(self, path: Path, *, formulas: bool = False, teller: Teller | None = None) -> Tally:
        """Write the answers to a file, which appears once it is whole; as `score_to` says."""
        assert self.rows is not None
        return score_to(
            self.answer,
            self.rows,
            path,
            formulas=formulas,
            job=self._job(path),
            keep=self.recorder,
            teller=teller,
            most=self._most,
        )

    @property
    def _most(self) -> int | None:
        """The most rows of a chunk: explaining one takes as long as answering many."""
        return EXPLAINED_ROWS if self.explain else None

    def _job(self, path: Path) -> str | None:
        """Return what tells this work from any other; None where its table cannot be read again."""
        if self.said is None:
            return None
        import polars

        contract = None if self.who.contract is None else _digest(self.who.contract.read_bytes())
        facts = {
            **self.said,
            "packages": {str(one): _digest((at / MANIFEST).read_bytes()) for one, at in self.who.folders.items()},
            "policy": None if self.who.policy is None else [plain(route) for route in self.who.policy.routes],
            "key": None if self.who.policy is None else self.who.policy.key,
            "contract": contract,
            "chunk": scoring.BATCH_ROWS,
            "explain": None if not self.explain else [f"{self.explain!r}", EXPLAINED_ROWS],
            "suffix": path.suffix,
            "log": None if self.recorder is None else str(self.recorder.folder.absolute()),
            "versions": [__version__, polars.__version__],
        }
        return _digest(json.dumps(facts, sort_keys=True, default=str).encode())[:KEY_LETTERS]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
