"""Events of a broker: those that are there when they are first asked for, or those that came since."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Gt, Len

from hookline import Dataset, Finding, Roles, Secret, Source
from hookline.data.frames import TemporaryFolder
from hookline.errors import DataError
from hookline.telling.secrets import logger
from hookline.workspace.home import home

from .aside import Aside
from .brokers.broker import Access, Broker, Missing, Place
from .brokers.choosing import broker_of, parts_of
from .fitting import require_fitting
from .letters import DeadLetters
from .positions import place_in, position_text
from .rows import Spool
from .shapes import Dtype, Shape

if TYPE_CHECKING:
    import polars as pl

log = logger("hookline.events")
Text = Annotated[str, Len(1)]
FOLDER = "dead_letters"
"""Where events that are no rows lie, in the home."""


class EventsSource(Source):
    """Events of a Kafka topic, a Redis stream, or a subject of NATS JetStream, each a row.

    An event is a JSON object, or in Redis fields, which are texts unless `dtypes` says otherwise. What is neither, or has a
    value that does not fit its column, is no row: it goes to a file of dead letters with the reason, and is told. Rows are
    those up to the newest when the source is first asked, in the broker's own order, of Kafka partition by partition.
    """

    name = "events"
    extra = "events"
    url: Text
    """`redis://host:6379/0`, `nats://host:4222`, `kafka://host:9092,other:9092`; encrypted `rediss`, `tls`, `kafka+ssl`."""
    topic: Text
    """Kafka's topic, the key of a stream of Redis, or NATS' subject, which may have wildcards."""
    stream: Text | None = None
    """NATS: the stream that holds the subject; without, the server finds it."""
    field: Text | None = None
    """Redis: the field that holds an event as JSON; without, each field is a column."""
    columns: tuple[Text, ...] = ()
    """Which fields, in this order; all where none are named. A named one that an event lacks is missing there."""
    dtypes: Mapping[str, Dtype] = dataclasses.field(default_factory=dict)
    """Field -> type; of others it is that of most events that are read together. Times are ISO 8601, without a zone UTC."""
    id_column: Text = "event_id"
    """The column of the event's id: `topic-partition-offset`, the id in Redis, or the number in NATS."""
    time_column: Text | None = "event_time"
    """The column of when the broker took it (of Kafka, as the topic's `message.timestamp.type` says), UTC; null leaves it out."""
    after: Text | None = None
    """A position, as `hookline data collect --json` tells it: only events after it."""
    upto: Text | None = None
    """A position: only events up to it, so that the same rows are read another time."""
    errors: Literal["keep", "raise"] = "keep"
    """Whether an event that is no row is kept with the dead letters, or is an error."""
    trimmed: Literal["raise", "warn"] = "raise"
    """Whether it is an error, or told, that events after the position are gone which were not read."""
    dead_letters: Path | None = None
    """The file of dead letters, NDJSON; without, one a topic in `dead_letters` of HOOKLINE_HOME."""
    user: Text | None = None
    """A user."""
    password: Secret | None = None
    """The user's password, or the one of a Redis without users, as `${oc.env:BROKER_PASSWORD}`."""
    token: Secret | None = None
    """NATS: a token, as `${oc.env:NATS_TOKEN}`."""
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    """Kafka: how the password is shown (SASL)."""
    ca: Path | None = None
    """A file of certificates by which the broker's own is checked, of an encrypted connection."""
    timeout: Annotated[float, Gt(0)] = 10.0
    """Seconds for which a broker may say nothing."""

    def __post_init__(self) -> None:
        require_fitting(self)

    def load(self) -> Dataset:
        """Return the rows, which were read to a temporary folder; raises DataError where there are none."""
        upto = self._bound
        frame = self._read(self._after, upto, self._require_named)
        if frame is None:
            raise DataError(
                f"{self._what} has no events that are rows" + (" after source.after" if self.after else ""),
                hint="send some first, or look at the dead letters: `hookline data peek` reads the same",
            )
        return self._dataset(frame)

    def fingerprint(self) -> str:
        """Return a digest of the topic, of how events are read, and of the positions between which they lie."""
        how = [self.field, self.columns, sorted(self.dtypes.items()), self.id_column, self.time_column]
        what = [self.url, self.topic, self.stream, how, self._first, self._bound]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def roles(self) -> Roles:
        """Return the id, and that the time is no feature: when a broker took an event says nothing of what happened."""
        return Roles(id=self.id_column, ignore=() if self.time_column is None else (self.time_column,))

    def position(self) -> str:
        """Return where the events end now, or `upto` where that is said."""
        return self.upto or self._text(self._broker().end())

    def load_between(self, after: str | None, upto: str) -> Dataset:
        """Return the events between two positions; raises DataError where some were trimmed before they were read."""
        first = self._after if after is None else self._place(after)
        last = self._place(upto)
        frame = self._read(first, last, self._tell_lacking)
        if frame is None:
            frame = self._columns_before(last)
        return self._dataset(frame)

    def span(self) -> tuple[str | None, str]:
        """Return the positions between which the rows of `load` lie."""
        return self.after, self._text(self._bound)

    def place(self) -> str:
        """Return the broker and the topic."""
        return f"{self._access.shown}/{self._access.path or 0}/{self.topic}"

    def mark(self) -> str:
        """Return where events that are sent from now on begin; also of a topic that is not there yet."""
        try:
            return self.position()
        except Missing:
            return ""

    def send(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows as events, each a JSON object, or of Redis fields; returns once the broker has them, else raises DataError."""
        broker = self._broker()
        if self.field is not None and self.url.startswith("redis"):
            broker.send([{self.field: json.dumps(row, ensure_ascii=False)} for row in rows])
        else:
            broker.send(rows)

    def sent(self, since: str, column: str) -> frozenset[str]:
        """Return the texts in a column of the events that were sent since a mark."""
        shape = dataclasses.replace(self._shape, columns=(column,), dtypes={column: "string"})
        folder = TemporaryFolder()
        spool = Spool(folder.path, shape, set_aside=lambda _: None)
        broker = self._broker()
        try:
            spool.fill(broker.between(self._place(since) if since else None, broker.end(), lost=log.warning))
        except Missing:
            return frozenset()
        return frozenset(spool.frame().select(column).collect()[column].drop_nulls())

    @cached_property
    def _bound(self) -> Place:
        """Where events end for this source, asked once, so that what is planned is what is read."""
        return self._place(self.upto) if self.upto else self._broker().end()

    @cached_property
    def _first(self) -> Place:
        """After which place events are read, or where those begin that are still kept: trimmed, they are other rows."""
        return self._after or {"begins": self._broker().begin()}

    @property
    def _after(self) -> Place | None:
        return self._place(self.after) if self.after else None

    @property
    def _what(self) -> str:
        return f"{self._broker().what} '{self.topic}' of {self._access.shown}"

    @property
    def _shape(self) -> Shape:
        return Shape(self.field, self.columns, self.dtypes, (self.id_column, self.time_column))

    def _read(self, after: Place | None, upto: Place, lacking: Callable[[str], None]) -> pl.LazyFrame | None:
        """Return the events between two places as rows; None where there are none.

        lacking: is told of columns that were named and that no event has
        """
        folder = TemporaryFolder()
        with self._setting_aside() as letters:
            spool = Spool(folder.path, self._shape, letters.append)
            spool.fill(self._broker().between(after, upto, self._lost))
            letters.read = spool.rows + letters.count
            if told := spool.lacking():
                lacking(told)
        return folder.held(spool.frame()) if spool.rows else None

    def _require_named(self, told: str) -> None:
        raise DataError(
            f"{self._what}: {told}", hint="correct source.columns or source.dtypes, or leave the field out there"
        )

    def _tell_lacking(self, told: str) -> None:
        """Tell of it: a few events may lack what is often left out, and those after them wait for nobody."""
        from hookline.registry.registry import load_registry

        log.warning("%s: %s", self._what, told)
        finding = Finding(self.topic, "lacking_fields", 1.0, 0.0, "warning", told)
        load_registry().tell("on_finding", finding=finding, run=None, model=None)

    def _columns_before(self, last: Place) -> pl.LazyFrame:
        """Return no rows, of the columns that there are; read from the events before where nobody said them."""
        folder = TemporaryFolder()
        spool = Spool(folder.path, self._shape, set_aside=lambda _: None)
        if not self.columns or not {*self.columns} <= {*self.dtypes}:
            spool.fill(self._broker().between(self._after, last, lambda _: None))
        return spool.frame().clear()

    @contextmanager
    def _setting_aside(self) -> Iterator[Aside]:
        """Keep what is no row, and tell of it, once all is read; where the reading fails, what was found so far."""
        aside = Aside(self)
        try:
            yield aside
        finally:
            aside.write()
        aside.tell()

    def _lost(self, told: str) -> None:
        if self.trimmed == "raise":
            hint = "begin anew under another name or without source.after; or go on without them: source.trimmed=warn"
            raise DataError(told, hint=hint)
        log.warning("%s", told)

    def letters(self) -> DeadLetters:
        """Return the file of dead letters."""
        return self._dead

    @cached_property
    def _dead(self) -> DeadLetters:
        """The file, which remembers how far it was read."""
        named = re.sub(r"[^\w.-]+", "_", f"{self.url.partition(':')[0]}-{self.topic}")[:100]
        return DeadLetters(
            self.dead_letters or home() / FOLDER / f"{named}.ndjson", f"{self._access.shown}/{self.topic}"
        )

    def _dataset(self, frame: pl.LazyFrame) -> Dataset:
        return Dataset(frame, name=self.topic)

    def _broker(self) -> Broker:
        return broker_of(self._access)

    @cached_property
    def _access(self) -> Access:
        scheme, hosts, path = parts_of(self.url)
        if self.ca is not None and not self.ca.is_file():
            raise DataError(f"source.ca={self.ca}: there is no such file", hint="name a file of certificates, PEM")
        return Access(
            scheme=scheme,
            hosts=hosts,
            path=path,
            topic=self.topic,
            stream=self.stream,
            user=self.user,
            password=None if self.password is None else self.password.reveal(),
            token=None if self.token is None else self.token.reveal(),
            mechanism=self.mechanism,
            ca=self.ca,
            timeout=self.timeout,
        )

    def _text(self, place: Place) -> str:
        return position_text(self, place)

    def _place(self, text: str) -> Place:
        return place_in(self, text)
