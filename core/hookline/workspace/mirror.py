"""A store's mirror on any file system that fsspec speaks, such as object storage; a mirror that fails costs time, not the run."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from hookline.errors import StoreError
from hookline.telling.secrets import learn, logger

from .signing import ENTRY, Signer

log = logger("hookline.workspace.store")

PATIENCE_SECONDS = 20.0
"""How long an answer may take, beside a second for each of so many bytes of a file:"""
BYTES_A_SECOND = 500_000
REST_SECONDS = 300.0
"""How long a mirror that failed is left alone: then a run waits for it once, and not for each of its stages."""
BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "obs"})
"""Protocols of object storage, in which somebody has made the bucket."""

Way = Literal["read", "written"]
T = TypeVar("T")


@dataclass
class Remote:
    """Entries at an fsspec URL, signed with the same key as the local ones.

    `<fingerprint>/entry.json` is written last and names its files under a folder of its own, called for the signature. So
    two writers of one fingerprint never mix their files, and a reader sees an entry whole or not at all.
    """

    url: str
    signer: Signer
    named_in: str = "HOOKLINE_STORE_REMOTE"
    """The environment variable that the URL came from."""
    lasting: bool = False
    """Whether what is there is nowhere else: then nothing damaged is taken out of sight, and one failure is not the last try."""
    problem: str = field(default="", init=False)
    """Why it was of no use the last time."""
    _files: Any = field(init=False, repr=False)
    _root: str = field(init=False, repr=False)
    _until: dict[Way, float] = field(default_factory=dict, init=False, repr=False)
    """Until when it is left alone, by the monotonic clock; one that may only be read goes on being read."""

    def __post_init__(self) -> None:
        import fsspec

        learn(self.url)
        try:
            _ = urlsplit(self.url).port  # Refused here, else each request would say so.
            self._files, root = fsspec.core.url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            raise StoreError(
                f"the remote store {self.url} cannot be opened: {error}",
                hint=f"give {self.named_in} a URL that fsspec knows, such as s3://bucket/store or file:///mnt/store",
            ) from error
        self._root = str(root).rstrip("/")

    def has(self, fingerprint: str) -> bool:
        """Tell whether an entry that we signed is there."""
        return self._entry(fingerprint) is not None

    def size(self, key: str) -> int:
        """Return the bytes of an entry's files; 0 where none that we signed is there."""
        entry = self._entry(key)
        return 0 if entry is None else sum(said["bytes"] for said in entry[1]["files"].values())

    def read(self, key: str, name: str) -> bytes | None:
        """Return one file of an entry; None where there is none that we signed, or it is not as it was signed.

        Raises StoreError where that cannot be told.
        """
        self.problem = ""
        with suppress(FileNotFoundError):
            entry = self._entry(key)
            there = None if entry is None else f"{self._at(key)}/{_content(entry[1])}/{name}"
            content = None if there is None else self._asked("read", lambda: bytes(self._files.cat_file(there)))
            if content is not None and entry is not None and self.signer.is_file(entry[1], name, content):
                return content
        if self.problem:
            raise StoreError(f"{self.url} cannot be read: {self.problem}", hint=f"see to {self.named_in}")
        return None

    def upload(self, folder: Path, fingerprint: str) -> None:
        """Copy a local entry there, unless it is there already."""
        facts = self.signer.facts(folder, fingerprint)
        if facts is not None and self._entry(fingerprint) is None:
            self._publish(folder, fingerprint, facts)

    def replace(self, folder: Path, key: str) -> bool:
        """Copy a folder there, whatever is there under its key; False where it cannot be, and `problem` says why."""
        facts, entry = self.signer.signed(folder, key, {}), self._entry(key)
        return (entry is not None and entry[1] == facts) or self._publish(folder, key, facts)

    def remove(self, key: str) -> bool:
        """Take an entry away: out of sight first, then its files; False where it cannot be, and `problem` says why."""
        return self._forget(key) and bool(self._asked("written", partial(self._remove_all, self._at(key))))

    def answers(self) -> bool:
        """Tell whether a file can be written, read and removed there; `problem` says why not."""
        place, said = f"{self._root}/.{secrets.token_hex(8)}", b"hookline"

        def tried() -> bool:
            self._make_folder(self._root)
            self._files.pipe_file(place, said)
            try:
                return bool(self._files.cat_file(place) == said)
            finally:
                self._files.rm_file(place)

        return bool(self._asked("written", tried))

    def _publish(self, folder: Path, key: str, facts: dict[str, Any]) -> bool:
        there = self._at(key)
        for name, said in facts["files"].items():
            put = partial(self._put, folder / name, f"{there}/{_content(facts)}/{name}")
            if not self._asked("written", put, said["bytes"]):
                return False
        return bool(self._asked("written", partial(self._write, json.dumps(facts).encode(), f"{there}/{ENTRY}")))

    def download(self, fingerprint: str, into: Path) -> bool:
        """Copy an entry from there into an empty folder; False where there is none that agrees with its signature."""
        entry = self._entry(fingerprint)
        if entry is None:
            return False
        content, facts = entry
        there = self._at(fingerprint)
        try:
            for name, said in facts["files"].items():
                get = partial(self._get, f"{there}/{_content(facts)}/{name}", into / name)
                if self._asked("read", get, said["bytes"]) is None:
                    return False
        except FileNotFoundError:
            problem: str | None = "a file of it is missing"
        else:
            (into / ENTRY).write_bytes(content)
            problem = self.signer.problem(into, fingerprint)
        if problem is None:
            return True
        self.problem = problem
        log.warning("%s from %s is not used: %s", fingerprint[:12], self.url, problem)
        if not self.lasting:
            self._forget(fingerprint)
        return False

    def _entry(self, fingerprint: str) -> tuple[bytes, dict[str, Any]] | None:
        try:
            content = self._asked("read", lambda: bytes(self._files.cat_file(f"{self._at(fingerprint)}/{ENTRY}")))
        except FileNotFoundError:
            return None
        facts = None if content is None else self.signer.authentic(content, fingerprint)
        return None if content is None or facts is None else (content, facts)

    def _make_folder(self, there: str) -> None:
        # Object storage needs no folders, and what would be made is a bucket, of a name that is misspelt.
        protocol = self._files.protocol
        if not {*((protocol,) if isinstance(protocol, str) else protocol)} & BUCKETS:
            self._files.makedirs(there, exist_ok=True)

    def _put(self, path: Path, there: str) -> bool:
        self._make_folder(there.rpartition("/")[0])
        self._files.put_file(str(path), there)
        return True

    def _write(self, content: bytes, there: str) -> bool:
        self._make_folder(there.rpartition("/")[0])
        self._files.pipe_file(there, content)
        return True

    def _get(self, there: str, path: Path) -> bool:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._files.get_file(there, str(path))
        return True

    def _forget(self, fingerprint: str) -> bool:
        """Take an entry out of sight, such as a damaged one, so that the next put makes it whole."""
        return bool(self._asked("written", partial(self._remove, f"{self._at(fingerprint)}/{ENTRY}")))

    def _remove(self, there: str) -> bool:
        with suppress(FileNotFoundError):  # Somebody else was first.
            self._files.rm_file(there)
        return True

    def _remove_all(self, there: str) -> bool:
        with suppress(FileNotFoundError):
            self._files.rm(there, recursive=True)
        return True

    def _asked(self, way: Way, act: Callable[[], T], size: int = 0) -> T | None:
        """Return what the file system answers; None where it fails or takes too long.

        size: bytes of the file that is copied
        Raises FileNotFoundError where a file is not there to be read.
        """
        if time.monotonic() < self._until.get(way, 0.0):
            return None
        try:
            return _within(PATIENCE_SECONDS + size / BYTES_A_SECOND, act)
        except Exception as error:  # each file system of fsspec raises errors of its own
            if way == "read" and isinstance(error, FileNotFoundError):
                raise
            self.problem = str(error) or f"no answer ({type(error).__name__})"
            if not self.lasting:
                self._until[way] = time.monotonic() + REST_SECONDS
                log.warning("%s could not be %s, and is left alone for a while: %s", self.url, way, self.problem)
            return None

    def _at(self, fingerprint: str) -> str:
        # What is no fingerprint is a path of its own.
        return f"{self._root}/{fingerprint}" if "/" in fingerprint else f"{self._root}/{fingerprint[:2]}/{fingerprint}"


def _within(seconds: float, act: Callable[[], T]) -> T:
    """Return what a function does, in a thread that nobody waits for longer; raises TimeoutError, and what it raises."""
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(act())
        except BaseException as error:  # noqa: BLE001  whatever it is, whoever waits is to hear of it
            answer.set_exception(error)

    threading.Thread(target=work, name="mirror", daemon=True).start()
    return answer.result(seconds)


def _content(facts: dict[str, Any]) -> str:
    return str(facts["signature"])[:32]
