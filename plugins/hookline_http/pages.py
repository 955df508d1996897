"""Which page comes next, and when there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from hookline.errors import DataError

from .client import Answer, Client
from .faults import shown
from .records import Layout, Page, page_of

Paging = Literal["none", "page", "offset", "cursor", "link"]
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

    def read(self, folder: Path) -> Iterator[Page]:
        """Yield the pages, each with its rows in a file of the folder; raises DataError for pages that never end."""
        url, more = self.client.url, self._begin()
        asked: set[str] = {_key(url, more)}
        last, rows = "", 0
        for number in range(1, self.most + 1):
            answer = self.client.fetch(
                url, {**(self.parameters if number == 1 or more else {}), **more}, folder / "body"
            )
            page = page_of(answer, self.layout, number, folder)
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
