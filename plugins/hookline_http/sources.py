"""Rows of an HTTP server: a file that it has, or what an API answers, page by page."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Gt, Len

from hookline import Dataset, ReadsAlike, Secret, Source
from hookline.data.frames import TemporaryFolder
from hookline.errors import DataError
from hookline.kinds.streams.marks import Mark
from hookline.telling.secrets import logger, redacted
from hookline.workspace import home

from .client import Client
from .faults import shown
from .growing import Growing
from .keeping import Kept, Stale, keeping
from .pages import Pages, Paging
from .records import Format, Layout, Page

if TYPE_CHECKING:
    import polars as pl

log = logger("hookline.http")
Text = Annotated[str, Len(1)]
Value = int | float | bool | str


class HttpSource(Source):
    """Rows that a server answers with: JSON, NDJSON, CSV or Parquet, in one answer or page by page.

    Answers go to files of a temporary folder, one after the other, and are read from there as `source=file` reads them, so that
    the same rows are the same data. A request that fails is made again; a download that breaks goes on where it broke.
    """

    name = "http"
    extra = "http"
    url: Text
    """`https://host/path`; credentials have fields of their own."""
    parameters: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    """What stands behind the question mark: `source.parameters.since=2026-01-01`."""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Headers of each request that are no secrets, such as `Accept`."""
    format: Format = "auto"
    """The format; `auto` goes by the content type, then by the end of the URL's path."""
    records: Text | None = None
    """JSON: where the list of records stands in an answer, such as `data.items`; without, the answer is the list."""
    columns: tuple[Text, ...] = ()
    """Which columns, in this order; all where none are named. A named one that pages lack is missing there."""
    paging: Paging = "none"
    """How the next page is asked for: by number, by rows so far, by a cursor or URL in the answer, or by its Link header."""
    page_parameter: Text | None = None
    """The parameter of the page, offset or cursor; without, it is called so."""
    first_page: Annotated[int, Ge(0)] = 1
    """The number of the first page."""
    cursor: Text | None = None
    """JSON: where the next cursor or URL stands in an answer, such as `meta.next`; it is null or empty in the last page."""
    token: Secret | None = None
    """A bearer token, as `${oc.env:API_TOKEN}`."""
    user: Text | None = None
    """A user, for basic authentication."""
    password: Secret | None = None
    """The user's password, as `${oc.env:API_PASSWORD}`."""
    key: Secret | None = None
    """A key that goes into a header of its own, as `${oc.env:API_KEY}`."""
    key_header: Text = "X-API-Key"
    """The name of that header."""
    retries: Annotated[int, Ge(0)] = 4
    """How often a request is made again that broke, or was answered with 429 or 5xx; `Retry-After` is waited for."""
    timeout: Annotated[float, Gt(0)] = 30.0
    """Seconds for which a server may send nothing."""
    rate: Annotated[float, Gt(0)] | None = None
    """Requests a second at most."""
    most_bytes: Annotated[int, Gt(0)] = 1 << 32
    """Bytes of all answers together, unpacked."""
    most_pages: Annotated[int, Gt(0)] = 10_000
    """Pages, so that a server that never ends does."""
    resume: Annotated[float, Ge(0)] = 24.0
    """Hours for which pages of a reading that broke off are kept in HOOKLINE_HOME, so that the next goes on there; 0: none."""
    watermark: Text | None = None
    """A field that grows with each row that comes, such as its time or number, so that `hookline data collect` reads on."""
    since: Text | None = None
    """The parameter by which the server takes a watermark and gives only rows from there on; without, all are read each time."""
    overlap: Annotated[float, Ge(0)] = 0.0
    """How much smaller a watermark may be of a row that comes late: seconds, or a number's units."""
    row_key: Text | None = None
    """A field that tells rows apart, which `overlap` needs."""
    read: Source | None = None
    """How answers of CSV and others are read: `{component: file, path: ., separator: ";"}`; the path says nothing."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://", "${")):
            raise ValueError(f"url must begin with http:// or https://, got {redacted(self.url)!r}")
        # Not by urlsplit, whose own errors would spell the credentials.
        if re.match(r"https?://[^/?#]*@", self.url):
            raise ValueError("url has credentials in it; give source.user, and source.password=${oc.env:API_PASSWORD}")
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        if (self.token is not None) and (self.user is not None):
            raise ValueError("say either token or user and password")
        if (self.paging == "cursor") != (self.cursor is not None):
            raise ValueError("paging=cursor and cursor, the place of the next one in an answer, go together")
        if self.paging == "cursor" and self.format not in ("auto", "json"):
            raise ValueError(f"paging=cursor needs JSON, got format={self.format}; say paging=link, page or offset")
        if self.since is not None and self.watermark is None:
            raise ValueError("since goes with watermark, the field whose value it takes")
        if self.overlap and (self.watermark is None or self.row_key is None):
            raise ValueError("overlap needs watermark and row_key, which tells rows apart that were read before")
        if self.read is not None and not isinstance(self.read, ReadsAlike):
            raise ValueError(f"read must be a source of files, such as file, got '{self.read.name}'")

    def load(self) -> Dataset:
        """Return the rows, which were fetched to a temporary folder; raises DataError where there are none.

        They are those that `fingerprint` read where that was asked before, so that what is planned is what is read.
        """
        fetched = self._ahead.pop("load", None) or self._fetched()
        return self._dataset(self._framed(fetched, self.columns))

    def fingerprint(self) -> str:
        """Return a digest of what tells the rows' version.

        That is, of one answer, its ETag, or its Last-Modified and length; of pages, and where the server says neither, all bytes.
        """
        version: object = None
        if self.paging == "none":
            with self._client() as client:
                version = client.version(self.url, self._asked())
        if version is None:
            self._ahead["load"] = fetched = self._fetched()
            version = [page.digest for page in fetched.pages]
        read = None if self.read is None else repr(self.read)
        what = [self.url, self._asked(), self.format, self.records, self.columns, read, version]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()

    def position(self) -> str:
        """Return the largest watermark, and the keys of rows that are so young that more may come before them.

        An API tells that of its rows alone, so those are read that came since the position was last asked for in this home.
        Raises DataError where a row has no watermark.
        """
        growing = self._growing()
        remembered = self._remembered(growing.of)
        known = Mark(of=growing.of) if self.since is None else self._known(remembered, growing.of)
        fetched = self._fetched(known.settled, empty=True)
        if not fetched.pages and known.open:
            # Rows that were there are gone, so that it says nothing of those that are there now.
            known, fetched = Mark(of=growing.of), self._fetched(empty=True)
        mark = growing.mark(self._framed(fetched, self._marked), known) if fetched.pages else known
        home.keep(remembered, mark.text().encode())
        self._ahead["between"] = fetched
        return mark.text()

    def load_between(self, after: str | None, upto: str) -> Dataset:
        """Return the rows that came between two positions, each exactly once.

        Raises DataError where rows that were read before are gone, or came later than `overlap` allows, as far as the server
        tells: one that is asked by `since` tells nothing of the rows before.
        """
        growing = self._growing()
        first = Mark(of=growing.of) if after is None else Mark.parse(after, self.name, growing.of)
        last = Mark.parse(upto, self.name, growing.of)
        growing.require_onwards(first, last)
        since = None if self.since is None else first.settled
        fetched = self._ahead.pop("between", None)
        if fetched is None or fetched.since not in (None, since):
            fetched = self._fetched(since, empty=True)
        if fetched.pages:
            frame = growing.between(self._framed(fetched, self._marked), first, last)
        else:
            # Nothing came, so that the columns are those of the rows before.
            frame = self._framed(self._fetched(empty=False, first_only=True), self._marked).clear()
        return self._dataset(frame.select(self.columns) if self.columns else frame)

    @cached_property
    def _ahead(self) -> dict[str, Fetched]:
        """What was read to find out of, and is not handed out yet."""
        return {}

    @property
    def _marked(self) -> tuple[str, ...]:
        """The columns that are read to tell rows by when they came; none where all are."""
        told = (self.watermark, self.row_key)
        return tuple(dict.fromkeys((*self.columns, *(name for name in told if name)))) if self.columns else ()

    def _growing(self) -> Growing:
        if self.watermark is None:
            raise DataError(
                "source 'http' reads on only by a field that grows", hint="name it: source.watermark=created_at"
            )
        asked = json.dumps([self.url.partition("?")[2], sorted(self._asked().items()), self.records])
        what = f"{shown(self.url)} ({hashlib.sha256(asked.encode()).hexdigest()[:8]}) by '{self.watermark}'"
        return Growing(self.watermark, self.row_key, self.overlap, self.since is None, what)

    def _remembered(self, of: str) -> str:
        """Return the name under which a position is remembered; one of another overlap knows too few keys."""
        told = json.dumps([of, self.overlap, self.row_key, self.user, str(self.token), str(self.key)])
        return f"http-{hashlib.sha256(told.encode()).hexdigest()[:32]}.json"

    def _known(self, name: str, of: str) -> Mark:
        """Return a position that was told before, from which on the next is looked for."""
        text = home.kept(name)
        try:
            return Mark(of=of) if text is None else Mark.parse(text.decode(), self.name, of)
        except (DataError, UnicodeDecodeError):
            return Mark(of=of)

    def _dataset(self, frame: pl.LazyFrame) -> Dataset:
        return Dataset(frame, name=Path(self.url.partition("?")[0].rstrip("/")).stem or "http")

    def _framed(self, fetched: Fetched, columns: tuple[str, ...]) -> pl.LazyFrame:
        """Return the rows that were fetched, which hold their folder."""
        folder, pages = fetched.folder, fetched.pages
        files = {page.file for page in pages}
        reader = self._reader(folder.path if len(files) > 1 else files.pop())
        try:
            frame = reader.load().frame
            self._require_columns(frame, (*columns, *([self.watermark] if self.watermark else [])))
            return folder.held(frame.select(columns) if columns else frame)
        except DataError as error:
            raise self._told(error, folder.path) from None

    def _fetched(self, since: Any = None, *, empty: bool = False, first_only: bool = False) -> Fetched:
        """Return the pages that have rows, whose files alone are in a folder; raises DataError where there are none.

        since: the watermark that the server is asked for rows from; empty: whether there may be none
        """
        folder = TemporaryFolder()
        asked = self._asked() | ({self.since: written(since)} if self.since and since is not None else {})
        hours = 0.0 if self.paging == "none" or first_only else self.resume
        with keeping(self._told_apart(asked), hours, folder) as kept:
            pages = self._pages_of(asked, kept, first_only=first_only)
            if not pages and not empty:
                raise DataError(f"{shown(self.url)} gives no rows", hint="look at source.parameters and source.records")
            pages = kept.handed_over(pages, folder.path)
        if self.paging == "link" and len(pages) == 1 and not pages[0].linked:
            # Not an error: some servers leave the header out where all rows are in one answer.
            log.warning("%s gives one page, without a Link header: if it has more, they are not read", shown(self.url))
        return Fetched(folder, pages, since)

    def _pages_of(self, asked: Mapping[str, str], kept: Kept, *, first_only: bool) -> list[Page]:
        """Return the pages that have rows, those that are kept first; where the server has other rows by now, all anew."""
        try:
            if kept.entries:
                log.info("%s: going on behind %d pages that are there", shown(self.url), len(kept.entries))
            return self._read(asked, kept, first_only=first_only)
        except Stale:
            log.warning("%s has other rows than when it was left; it is read from the first page on", shown(self.url))
            kept.clear()
            return self._read(asked, kept, first_only=first_only)

    def _read(self, asked: Mapping[str, str], kept: Kept, *, first_only: bool) -> list[Page]:
        found: list[Page] = []
        with self._client() as client:
            layout = Layout(self.format, self.records, self.cursor, self._marked)
            paging = (self.paging, self.page_parameter, self.first_page, self.most_pages)
            for number, page in enumerate(Pages(client, asked, layout, *paging).read(kept), 1):
                if not page.rows:
                    if page.kinds is None:
                        page.file.unlink(missing_ok=True)
                    continue
                if found:
                    self._require_alike(found[0], page, number)
                found.append(page)
                if first_only:
                    break
        return found

    def _told_apart(self, asked: Mapping[str, str]) -> Any:
        """Return what tells a reading from others; another user may see other rows, and a token is none of it."""
        how = [self.format, self.records, self._marked, self.paging, self.page_parameter, self.first_page, self.cursor]
        who = [self.user, self.key_header if self.key else None, str(self.token), str(self.key)]
        return [self.url, sorted(asked.items()), sorted(self.headers.items()), how, who]

    def _require_alike(self, first: Page, page: Page, number: int) -> None:
        """Raise DataError where a page of JSON has other fields than the first one, or other kinds of values."""
        if first.kinds is None or page.kinds is None:
            return
        hint = "name the columns to take: source.columns=[...]; one that a page lacks is missing there"
        if not self.columns and (other := sorted({*first.kinds} ^ {*page.kinds})):
            word = "has no" if other[0] in first.kinds else "has a"
            raise DataError(f"page {number} of {shown(self.url)} {word} field '{other[0]}', unlike page 1", hint=hint)
        for name in self.columns or first.kinds:
            was, now = first.kinds.get(name, ""), page.kinds.get(name, "")
            if was and now and was != now:
                raise DataError(
                    f"field '{name}' is a {was} in page 1 of {shown(self.url)}, and a {now} in page {number}",
                    hint=f"leave it out by source.columns, or see that the server gives one kind: it was a {was}",
                )

    def _require_columns(self, frame: pl.LazyFrame, columns: Sequence[str]) -> None:
        names = frame.collect_schema().names()
        if absent := [name for name in columns if name not in names]:
            raise DataError(
                f"{shown(self.url)} gives no column '{absent[0]}'; it has {', '.join(names[:20])}",
                hint="look at source.columns and source.watermark",
            )

    def _reader(self, place: Path) -> Source:
        """Return the source that reads the files of answers."""
        from hookline.registry.registry import load_registry

        reader: Any = self.read
        if isinstance(reader, ReadsAlike):
            return reader.at(str(place))
        built = load_registry().build("source", "file", {"path": str(place)}, "source.read")
        assert isinstance(built, Source)
        return built

    def _told(self, error: DataError, folder: Path) -> DataError:
        """Return an error of whoever read the files, in which they are called by where they came from."""
        told = str(error).partition("\nhint: ")[0]
        told = told.replace(f"{folder}{os.sep}", f"{shown(self.url)} as ")
        return DataError(told.replace(str(folder), shown(self.url)), hint=error.hint)

    def _asked(self) -> dict[str, str]:
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in self.parameters.items()
        }

    def _client(self) -> Client:
        return Client(
            url=self.url,
            headers=self.headers,
            credentials=self._credentials(),
            retries=self.retries,
            timeout=self.timeout,
            rate=self.rate,
            most=self.most_bytes,
        )

    def _credentials(self) -> dict[str, str]:
        """Return the headers that say who asks; raises ConfigError where a variable is not set."""
        from base64 import b64encode

        found = {}
        if self.token is not None:
            found["authorization"] = f"Bearer {self.token.reveal()}"
        if self.user is not None and self.password is not None:
            pair = b64encode(f"{self.user}:{self.password.reveal()}".encode()).decode()
            found["authorization"] = f"Basic {pair}"
        if self.key is not None:
            found[self.key_header.lower()] = self.key.reveal()
        return found


@dataclasses.dataclass(frozen=True)
class Fetched:
    """Pages with rows, whose files lie in a folder."""

    folder: TemporaryFolder
    pages: list[Page]
    since: Any
    """The watermark from which on the server was asked for rows; None: for all."""


def written(watermark: Any) -> str:
    """Return a watermark as it is sent to a server."""
    return watermark.isoformat() if isinstance(watermark, (date, datetime)) else str(watermark)
