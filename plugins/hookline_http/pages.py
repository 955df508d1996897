"""Which page comes next, and when there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from hookline.errors import DataError

from .client import Answer, Client
from .faults import Refused, shown
from .keeping import Entry, Kept, Stale, digest_of
from .records import Layout, Page, page_of, rows_end

Paging = Literal["none", "page", "offset", "cursor", "link"]
EXPIRED = frozenset({400, 404, 410, 422})
"""Statuses of an answer to a cursor that is not known any more."""
PARAMETERS = {"page": "page", "offset": "offset", "cursor": "cursor"}
"""Way of paging -> the usual name of its parameter."""


@dataclass(frozen=True)
class Pages:
    """How a server divides its rows into answers."""

    client: Client
    parameters: Mapping[str, str]
    layout: Layout
    paging: Paging = "none"
    parameter: str | None = None
    first: int = 1
    """The number of the first page."""
    most: int = 10_000

    def read(self, kept: Kept) -> Iterator[Page]:
        """Yield the pages, each with its rows in a file of the folder, those that are kept first.

        Raises DataError for pages that never end, Stale where those that are kept are no part of what the server has now.
        """
        url, more = self.client.url, self._begin()
        asked: set[str] = {_key(url, more)}
        last, rows = "", 0
        for number in range(1, self.most + 1):
            parameters = {**(self.parameters if number == 1 or more else {}), **more}
            answer, page = self._page(url, parameters, number, kept)
            if self.paging != "none" and page.rows and page.digest == last:
                raise DataError(
                    f"page {number} of {shown(url)} is page {number - 1} again",
                    hint=f"the server may not know the parameter '{self._name()}': look at source.page_parameter",
                )
            last, rows = page.digest, rows + page.rows
            yield page
            following = self._following(answer, page, rows, number)
            if following is None:
                return
            url, more = following
            if _key(url, more) in asked:
                raise DataError(
                    f"page {number} of {shown(url)} names a page as the next that was read before",
                    hint="look at source.paging and source.cursor, or report it to who runs the server",
                )
            asked.add(_key(url, more))
        raise DataError(f"{shown(url)} has more than {self.most:,} pages", hint="say a larger source.most_pages")

    def _page(self, url: str, parameters: Mapping[str, str], number: int, kept: Kept) -> tuple[Answer, Page]:
        key = _key(url, parameters)
        if (entry := kept.get(number, key)) is not None:
            if number in (1, len(kept.entries)):
                self._require_unchanged(url, parameters, number, entry, kept.folder)
            self.client.taken += entry.end - entry.start
            return entry.answer, entry.page
        start = rows_end(kept.folder)
        try:
            answer = self.client.fetch(url, parameters, kept.folder / "body")
        except Refused as error:
            if error.status in EXPIRED and 1 < number == len(kept.entries) + 1:
                # A cursor that the server does not know any more.
                raise Stale from None
            raise
        page = page_of(answer, self.layout, number, kept.folder)
        kept.add(key, answer, page, start if page.kinds is not None else 0)
        return answer, page

    def _require_unchanged(
        self, url: str, parameters: Mapping[str, str], number: int, entry: Entry, folder: Path
    ) -> None:
        """Raise Stale where the server has other rows in a page by now than are kept of it."""
        if (tag := entry.answer.tag) is not None and self.client.unchanged(url, parameters, tag):
            return
        with TemporaryDirectory(dir=folder) as again:
            try:
                answer = self.client.fetch(url, parameters, Path(again) / "body")
            except Refused as error:
                raise (Stale() if error.status in EXPIRED else error) from None
            page = page_of(answer, self.layout, number, Path(again))
            size = page.file.stat().st_size if page.rows else 0
            if page.rows != entry.page.rows or digest_of(page.file, 0, size) != (entry.rows if page.rows else ""):
                raise Stale

    def _begin(self) -> dict[str, str]:
        return {"page": {self._name(): str(self.first)}, "offset": {self._name(): "0"}}.get(self.paging, {})

    def _name(self) -> str:
        return self.parameter or PARAMETERS.get(self.paging, "page")

    def _following(self, answer: Answer, page: Page, rows: int, number: int) -> tuple[str, dict[str, str]] | None:
        """Return URL and parameters of the next page; None after the last one."""
        if self.paging in ("page", "offset"):
            place = self.first + number if self.paging == "page" else rows
            return (self.client.url, {self._name(): str(place)}) if page.rows else None
        told = {"link": answer.following, "cursor": page.following}.get(self.paging)
        if not told:
            return None
        if self.paging == "cursor" and not self._is_url(told):
            return self.client.url, {self._name(): told}
        url = urljoin(answer.url, told)
        self.client.require_same_host(url)
        return url, {}

    def _is_url(self, told: str) -> bool:
        """Tell a URL from a cursor, of which one in Base64 may begin with a slash: a path goes on from that of the first page."""
        if told.startswith(("http://", "https://")):
            return True
        path = urlsplit(self.client.url).path.rstrip("/")
        return told.startswith((f"{path}/", f"{path}?") if path else "/?")


def _key(url: str, parameters: Mapping[str, Any]) -> str:
    return hashlib.sha256(repr((url, sorted(parameters.items()))).encode()).hexdigest()
