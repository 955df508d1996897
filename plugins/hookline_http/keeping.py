"""Pages of a reading that broke off, kept on the disk so that the next one goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from hookline.data.frames import TemporaryFolder
from hookline.telling.secrets import logger, redacted
from hookline.workspace.home import cache_folder

from .client import Answer
from .records import Page

log = logger("hookline.http")
FOLDER = "http"
"""Where they are kept in the cache."""
INDEX = "pages.ndjson"
HOUR = 3600.0
MOST = 8
"""Readings that are kept at a time; the newest stay."""


class Stale(Exception):
    """What is kept of a reading is no part of what the server has now."""


@dataclass(frozen=True)
class Entry:
    """A page that is kept."""

    key: str
    """Digest of what was asked."""
    answer: Answer
    page: Page
    start: int
    end: int
    """Where its rows stand in the page's file, in bytes."""
    rows: str
    """Digest of its rows as they are written."""


@dataclass
class Kept:
    """The pages of one reading, which lie in a folder beside an index of them.

    A page counts once its line of the index is there and its rows are those that the line says. So a kill between any two
    writes, or a disk that lost the last of them, costs the pages from there on.
    """

    folder: Path
    indexed: bool = True
    """Whether there is an index at all; without, no later reading goes on here."""
    entries: list[Entry] = field(default_factory=list)
    """Those that were there when the reading began."""

    @classmethod
    def found(cls, folder: Path) -> Kept:
        """Return what is kept in a folder, without what is torn or was never finished."""
        entries = list(_whole(folder))
        kept = cls(folder, entries=entries)
        index = folder / INDEX
        lines = index.read_bytes().splitlines(keepends=True)[: len(entries)] if index.exists() else []
        index.write_bytes(b"".join(lines))
        files = {entry.page.file: entry.end for entry in entries if entry.page.rows}
        for file in folder.iterdir():
            if file in files:
                os.truncate(file, files[file])
            elif file != index:
                shutil.rmtree(file) if file.is_dir() else file.unlink()
        return kept

    def get(self, number: int, key: str) -> Entry | None:
        """Return a page that is kept; raises Stale where it is of another question than is asked now."""
        if number > len(self.entries):
            return None
        entry = self.entries[number - 1]
        if entry.key != key:
            raise Stale
        return entry

    def add(self, key: str, answer: Answer, page: Page, start: int) -> None:
        """Keep a page, whose rows stand behind `start` in its file; from one on that names a secret, none is kept."""
        told = (answer.url, answer.following or "", page.following or "")
        if not self.indexed or any(redacted(text) != text for text in told):
            self.indexed = False
            return
        end = page.file.stat().st_size
        entry = Entry(key, answer, page, start, end, digest_of(page.file, start, end))
        with (self.folder / INDEX).open("a", encoding="utf-8") as out:
            out.write(f"{json.dumps(_plain(entry))}\n")

    def clear(self) -> None:
        """Forget all pages."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.entries = []

    def handed_over(self, pages: list[Page], folder: Path) -> list[Page]:
        """Move the rows of a finished reading to another folder, and forget it; returns the pages as they lie there."""
        if self.folder != folder:
            for file in {page.file for page in pages}:
                shutil.move(file, folder / file.name)
            shutil.rmtree(self.folder, ignore_errors=True)
        return [replace(page, file=folder / page.file.name) for page in pages]


@contextmanager
def keeping(what: Any, hours: float, folder: TemporaryFolder) -> Iterator[Kept]:
    """Yield what is kept of a reading; what another process is reading, or cannot be kept, lies in a temporary folder.

    what: plain values that tell the reading from others; hours: how long it is kept, 0 not at all
    """
    from filelock import FileLock, Timeout

    name = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]
    place = cache_folder() / FOLDER / name
    if not hours:
        yield Kept(folder.path, indexed=False)
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        (cache_folder() / ".gitignore").write_text("*\n", "utf-8")
        _prune(place.parent, hours, place)
        lock = FileLock(_lock_of(place))
        lock.acquire(timeout=0)
    except (OSError, Timeout):
        yield Kept(folder.path, indexed=False)
        return
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        yield Kept.found(place)
    finally:
        lock.release()


def digest_of(file: Path, start: int, end: int) -> str:
    """Return the digest of a part of a file, "" where it has no such part."""
    if start == end or not file.is_file():
        return ""
    digest = hashlib.sha256()
    with file.open("rb") as held:
        held.seek(start)
        left = end - start
        while left and (chunk := held.read(min(left, 1 << 20))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest() if not left else ""


def _whole(folder: Path) -> Iterator[Entry]:
    """Yield the pages from the first on whose rows are there as the index says."""
    index = folder / INDEX
    if not index.is_file():
        return
    for line in index.read_bytes().splitlines():
        try:
            told = json.loads(line)
            page = Page(**{**told["page"], "file": folder / told["page"]["file"]})
            answer = Answer(**{**told["answer"], "body": folder / "body"})
            entry = Entry(told["key"], answer, page, told["start"], told["end"], told["rows"])
            if page.rows and digest_of(page.file, entry.start, entry.end) != entry.rows:
                return
        except (ValueError, KeyError, TypeError):
            return
        yield entry


def _plain(entry: Entry) -> dict[str, Any]:
    page = {**asdict(entry.page), "file": entry.page.file.name}
    answer = {name: value for name, value in asdict(entry.answer).items() if name != "body"}
    return {**asdict(entry), "page": page, "answer": answer}


def _prune(folder: Path, hours: float, own: Path) -> None:
    """Remove what nobody went on with, but for what another process is reading."""
    from filelock import FileLock, Timeout

    held = sorted((one for one in folder.iterdir() if one.is_dir()), key=_touched, reverse=True)
    old = [one for place, one in enumerate(held) if place >= MOST or time.time() - _touched(one) > hours * HOUR]
    for one in old:
        if one == own and time.time() - _touched(one) <= hours * HOUR:
            continue
        try:
            with FileLock(_lock_of(one), timeout=0):
                shutil.rmtree(one, ignore_errors=True)
        except (OSError, Timeout):
            continue


def _lock_of(folder: Path) -> Path:
    # Not one a reading, of which files would stay for ever.
    return folder.with_name(f"{folder.name[:2]}.lock")


def _touched(folder: Path) -> float:
    try:
        index = folder / INDEX
        return (index if index.exists() else folder).stat().st_mtime
    except OSError:
        return 0.0
