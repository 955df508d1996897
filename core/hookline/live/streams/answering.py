"""What comes to a source answered to another place, each answer once and on record, wherever it is killed."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.collecting import alone, require_reads_on
from hookline.data.frames import mark_missing
from hookline.errors import StoreError, UsageError
from hookline.kinds.capabilities import ReadsOn
from hookline.kinds.deployments import Trust
from hookline.kinds.given.names import require_name
from hookline.kinds.kinds import Source
from hookline.kinds.plain import from_json
from hookline.kinds.streams.capabilities import Placed, TakesRows
from hookline.kinds.streams.places import place_of
from hookline.packages.scoring import Tally
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.signing import flush
from hookline.workspace.workspace import Workspace, open_workspace

from ..batch.panel import who_answers
from ..batch.recording import ID, Recorder
from ..log.predictions import FOLDER as LOG
from .asking import Answers, Asker
from .batches import FOLDER
from .learning import LEARNED
from .places import keep, require_same
from .watching import WATCHED

if TYPE_CHECKING:
    import polars as pl

ANSWERED = "answered"
"""The name under which it is kept how far a source was answered, where none is given."""
BATCH = 1000
"""Rows that are answered, sent and recorded together."""
PENDING, MARK, NOTE, ANSWERS = "pending", "mark.json", "note.json", "answers.json"


@dataclass(frozen=True)
class Mark:
    """How far a source was answered."""

    position: str | None = None
    """Up to here all is answered."""
    upto: str | None = None
    """Where the rows end that are being answered; None between two such spans."""
    done: int = 0
    """How many of those rows are answered."""


@dataclass(frozen=True)
class Note:
    """What belongs to answers that are ready."""

    since: str
    """Where they begin at the place that they go to, if they were sent."""
    then: Mark
    """What the mark is once they are."""


def answer_from(
    model: str,
    source: Source,
    to: Source,
    *,
    batch: int = BATCH,
    name: str = ANSWERED,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    home: str | Path | None = None,
) -> Tally:
    """Answer each row that came to a source since, and send the answers to another place; returns how many rows there were.

    An answer has the source's id of the row as `row_id`, what `predict` tells, and its `prediction_id`; a row that the model
    refuses is answered with `error`. Answers are written down first, then sent, then put into the model's prediction log, and
    then the mark moves: whoever goes on after a kill sends and records the same answers, those that are not there yet.

    model: as for `predict`; source: one that reads on; to: one whose place takes rows, such as `events`
    batch: rows that are answered together; name: under which the mark is kept, of a model that answers several sources
    Raises UsageError for sources that cannot do that and a mark that is of another source, DataError where one cannot be
    reached, and what loading a model raises.
    """
    answering = Answering.of(load_registry(), open_workspace(home), model, source, to, batch, name, trust, contract)
    total = Tally()
    for tally in answering.once():
        total.rows, total.strange = total.rows + tally.rows, total.strange + tally.strange
    return total


@dataclass(frozen=True)
class Answering:
    """Answers what comes to a source."""

    asker: Asker
    source: ReadsOn
    to: TakesRows
    folder: Path
    """Where the mark lies, and answers that are ready."""
    place: Mapping[str, Any]
    """What tells the source from another."""
    batch: int = BATCH

    @classmethod
    def of(
        cls,
        registry: Registry,
        workspace: Workspace,
        model: str,
        source: Source,
        to: Source,
        batch: int = BATCH,
        name: str = ANSWERED,
        trust: Trust | None = None,
        contract: str | Path | None = None,
    ) -> Answering:
        """Load who answers; raises UsageError where a source does not read on, or takes no rows."""
        reader = require_reads_on(registry, source)
        if not isinstance(to, TakesRows):
            raise UsageError(f"source '{to.name}' takes no rows", hint="answers go to one that does, such as events")
        if isinstance(source, Placed) and isinstance(to, Placed) and source.place() == to.place():
            told = f"answers would go to where the rows come from, {to.place()}, and be answered in turn"
            raise UsageError(told, hint="let them go elsewhere, such as to.topic=answers")
        require_name(name, "what is answered", ANSWERED)
        if name in (LEARNED, WATCHED):
            told = f"'{name}' is where it is kept what of a stream was {name}"
            raise UsageError(told, hint=f"choose another name than {LEARNED} and {WATCHED}, such as {ANSWERED}")
        if batch < 1:
            raise UsageError(f"a batch of {batch} rows answers none", hint="1 or more")
        who = who_answers(model, trust, None if contract is None else Path(contract), workspace.home)
        panel = who.load(registry)
        called = who.model or str(panel.live.manifest["name"])
        recorder = Recorder(panel, workspace.home / LOG / called)
        asker = Asker(registry, panel, recorder, source.roles().id)
        return cls(asker, reader, to, workspace.home / FOLDER / called / name, place_of(source), batch)

    def once(self) -> Iterator[Tally]:
        """Answer all that came until now; yields what was answered after each batch."""
        with alone(self.folder):
            yield from self._steps()

    def follow(self, every: float) -> Iterator[Tally]:
        """Do the same, and look again after so many seconds; it does not end by itself."""
        with alone(self.folder):
            while True:
                yield from self._steps()
                time.sleep(every)

    def _steps(self) -> Iterator[Tally]:
        """Finish what a killed process left, and answer what is there."""
        require_same(self.folder, self.place, "--as NAME keeps the mark of another source apart")
        self._finish(resumed=True)
        mark = self._mark()
        if mark.upto is not None:
            yield from self._span(mark, mark.upto)
            mark = self._mark()
        upto = self.source.position()
        if upto != mark.position:
            yield from self._span(Mark(mark.position, upto), upto)

    def _span(self, mark: Mark, upto: str) -> Iterator[Tally]:
        """Answer the rows up to a position, but those that are done, batch by batch."""
        rows = mark_missing(self.source.load_between(mark.position, upto).frame).slice(mark.done)
        # In one reading: to some sources, what lies before a batch is read again for each that is asked for by itself.
        for some in rows.collect_batches(chunk_size=self.batch, maintain_order=True):
            if some.height:
                then = replace(mark, done=mark.done + some.height)
                tally = self._prepare(some, mark.done, then)
                self._finish(resumed=False)
                mark = then
                yield tally
        self._write_mark(Mark(upto))

    def _prepare(self, rows: pl.DataFrame, start: int, then: Mark) -> Tally:
        """Write answers and their records down, so that they are the same whoever sends them."""
        ready = self.folder / f".{PENDING}"
        shutil.rmtree(ready, ignore_errors=True)
        ready.mkdir()
        answers, tally = self.asker.ask(rows, start, ready)
        _write(ready / ANSWERS, answers)
        _write(ready / NOTE, asdict(Note(self.to.mark(), then)))
        keep(self.folder, self.place)
        flush(ready)
        ready.rename(self.folder / PENDING)
        flush(self.folder)
        return tally

    def _finish(self, *, resumed: bool) -> None:
        """Send the answers that are ready, record them, and move the mark; resumed: whether some may have been sent before."""
        ready = self.folder / PENDING
        if not ready.is_dir():
            return
        note = from_json(Note, _read(ready / NOTE))
        if self._mark() != note.then:
            self._send(_read(ready / ANSWERS), note.since, resumed=resumed)
            self.asker.recorder.publish(ready)
            flush(self.asker.recorder.folder)
            self._write_mark(note.then)
        shutil.rmtree(ready)

    def _send(self, answers: Answers, since: str, *, resumed: bool) -> None:
        there = self.to.sent(since, ID) if resumed else frozenset[str]()
        self.to.send([one for one in answers if one[ID] not in there])

    def _mark(self) -> Mark:
        path = self.folder / MARK
        return from_json(Mark, _read(path)) if path.is_file() else Mark()

    def _write_mark(self, mark: Mark) -> None:
        keep(self.folder, self.place)
        temporary = self.folder / f".{MARK}"
        _write(temporary, asdict(mark))
        temporary.replace(self.folder / MARK)
        flush(self.folder)


def _write(path: Path, plain: Any | Sequence[Any]) -> None:
    path.write_text(json.dumps(plain), "utf-8")
    flush(path)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} is damaged: {error}",
            hint=f"move {path.parent} away, and answer from a position: from.after=POSITION",
        ) from error
