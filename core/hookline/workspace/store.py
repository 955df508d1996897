"""Content-addressed artifacts in folders: atomic, safe between processes, and signed, so that a damaged entry is no entry."""

from __future__ import annotations

import errno
import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hookline.errors import StoreError
from hookline.telling.secrets import logger

from .disk import can_write, clear_errors
from .mirror import Remote
from .signing import ENTRY, FORMAT, Signer, flush, read_key, write_once

log = logger("hookline.workspace.store")

_STALE_SECONDS = 3600


@dataclass
class Store:
    """Folders of files under a root, each keyed by the fingerprint (hex) of what made it.

    An entry is visible once it is whole: files first, then a signed `entry.json`, then one rename. The signature's key
    is the user's (or HOOKLINE_STORE_KEY, a team's), so an entry made by somebody else is not mistaken for our own.

    root: a folder on one file system; one that cannot be written is read, and only `put` raises
    remote: an fsspec URL that mirrors the root; read on a local miss, written on every put
    """

    root: Path
    remote: str | None = None

    def __post_init__(self) -> None:
        self._signer = Signer(read_key())
        self._writable = can_write(self.root)
        with clear_errors(self.root):
            if self._writable:
                self.root.mkdir(parents=True, exist_ok=True)
            _check_format(self.root)
            if self._writable:
                self._temporaries.mkdir(exist_ok=True)
                (self.root / "locks").mkdir(exist_ok=True)
                self._sweep()
        self._mirror = Remote(self.remote, self._signer) if self.remote else None

    def has(self, fingerprint: str) -> bool:
        """Tell whether an entry is there or at the remote, without reading its files."""
        if self._signer.sizes_agree(self._path(fingerprint), fingerprint):
            return True
        return self._mirror is not None and self._mirror.has(fingerprint)

    def get(self, fingerprint: str) -> Path | None:
        """Return an entry's folder, every file checked; a damaged entry is discarded with a warning, and None returned."""
        path = self._path(fingerprint)
        if self._mirror and self._writable and not path.exists():
            self._download(fingerprint, self._mirror)
        if not path.exists():
            return None
        problem = self._signer.problem(path, fingerprint)
        if problem is not None:
            what = "discarded" if self._writable else "not used"
            log.warning("stored entry %s is %s: %s", fingerprint[:12], what, problem)
            if self._writable:
                self._discard_damaged(fingerprint)
            return None
        return path

    def read(self, fingerprint: str, name: str) -> bytes | None:
        """Return one file of an entry, or None where it is not there or damaged; no other file of the entry is read."""
        path = self._path(fingerprint)
        if self._mirror and self._writable and not path.exists():
            self._download(fingerprint, self._mirror)
        return self._signer.read(path, fingerprint, name)

    def problem(self, fingerprint: str) -> str | None:
        """Say what is wrong with an entry, every file of it read; None where nothing is. Discards nothing."""
        return self._signer.problem(self._path(fingerprint), fingerprint)

    def put(self, fingerprint: str, write: Callable[[Path], None], *, note: Mapping[str, Any] | None = None) -> Path:
        """Have `write` fill an empty folder, and make it visible in one step; where another was first, theirs is kept.

        A failed or killed writer leaves nothing that a reader can see. Raises StoreError where the disk is full or
        read-only; anything else that `write` raises goes on.
        """
        with clear_errors(self.root), self._temporary() as folder:
            write(folder)
            self._signer.sign(folder, fingerprint, note or {})
            self._publish(folder, fingerprint)
        path = self._path(fingerprint)
        if self._mirror:
            self._mirror.upload(path, fingerprint)
        return path

    @contextmanager
    def lock(self, fingerprint: str) -> Iterator[None]:
        """Hold an entry's lock between processes, so that one computes while the others wait; a killed holder frees it."""
        from filelock import FileLock, Timeout

        if not self._writable:
            yield  # Nobody makes an entry here: what is there is read, and what is not raises in `put`.
            return
        held = FileLock(self.root / "locks" / f"{self._path(fingerprint).name[:32]}.lock")
        with clear_errors(self.root):
            try:
                held.acquire(timeout=0)
            except Timeout:
                log.info("waiting for another process, which is making %s", fingerprint[:12])
                held.acquire()
        try:
            yield
        finally:
            # While it is held, so that whoever waits for it takes a new one; else there would be one for each entry ever made.
            Path(held.lock_file).unlink(missing_ok=True)
            held.release()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Make an empty folder that lasts as long as this block; what a killed process leaves is removed later."""
        with ExitStack() as held:
            with clear_errors(self.root):
                if self._writable:
                    folder = held.enter_context(self._temporary())
                else:
                    folder = Path(held.enter_context(TemporaryDirectory(prefix="hookline-")))
            yield folder

    def clear_errors(self) -> AbstractContextManager[None]:
        """Say, in this block, what a full or read-only disk means for a scratch folder; raises StoreError."""
        return clear_errors(self.root)

    def discard(self, fingerprint: str) -> bool:
        """Remove an entry, which disappears in one step; tells whether there was one."""
        aside = self._aside(fingerprint)
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
        return aside is not None

    def entries(self) -> list[str]:
        """Return the fingerprints of all visible entries, sorted."""
        return sorted(path.parent.name for path in self.root.glob(f"??/*/{ENTRY}"))

    def size(self) -> int:
        """Return the bytes of all visible entries."""
        return sum(path.stat().st_size for path in self.root.glob("??/*/**/*") if path.is_file())

    def note(self, fingerprint: str) -> Mapping[str, Any]:
        """Return what `put` was told of an entry; empty where that was nothing, or the entry is damaged."""
        facts = self._signer.facts(self._path(fingerprint), fingerprint) or {}
        return facts.get("note") or {}

    @property
    def _temporaries(self) -> Path:
        return self.root / "tmp"

    def _path(self, fingerprint: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{3,}", fingerprint):
            raise ValueError(f"a fingerprint is hexadecimal digits, not {fingerprint!r}")
        return self.root / fingerprint[:2] / fingerprint

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        """Make a folder beside the entries that lasts as long as this block, and that other processes leave alone."""
        from filelock import FileLock

        folder = self._temporaries / secrets.token_hex(8)
        # Held before the folder is there, so that a folder whose lock is free belongs to nobody alive.
        with FileLock(_lock_of(folder)):
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                _lock_of(folder).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what writers that are dead by now left behind."""
        from filelock import FileLock, Timeout

        for folder in [path for path in self._temporaries.iterdir() if path.is_dir()]:
            with suppress(Timeout), FileLock(_lock_of(folder), timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
                _lock_of(folder).unlink(missing_ok=True)
        long_ago = time.time() - _STALE_SECONDS
        for lock in self._temporaries.glob("*.lock"):
            with suppress(FileNotFoundError):
                if not lock.with_suffix("").exists() and lock.stat().st_mtime < long_ago:
                    lock.unlink()

    def _publish(self, folder: Path, fingerprint: str) -> None:
        """Rename a whole entry into its place, or give way to a good one that is there."""
        path = self._path(fingerprint)
        path.parent.mkdir(exist_ok=True)
        while not _renamed(folder, path):
            if self._signer.problem(path, fingerprint) is None:
                return
            self._discard_damaged(fingerprint)
        flush(path.parent)

    def _discard_damaged(self, fingerprint: str) -> None:
        aside = self._aside(fingerprint)
        if aside is None:
            return
        # Between the look and the rename another process may have put a good entry there; then it goes back.
        if self._signer.problem(aside, fingerprint) is None:
            _renamed(aside, self._path(fingerprint))
        shutil.rmtree(aside, ignore_errors=True)

    def _aside(self, fingerprint: str) -> Path | None:
        aside = self._temporaries / secrets.token_hex(8)
        with clear_errors(self.root):
            try:
                return self._path(fingerprint).rename(aside)
            except FileNotFoundError:
                return None

    def _download(self, fingerprint: str, mirror: Remote) -> None:
        with clear_errors(self.root), self._temporary() as folder:
            if mirror.download(fingerprint, folder):
                self._publish(folder, fingerprint)


def remove_free(lock: Path) -> bool:
    """Remove a lock's file; False where somebody holds it."""
    from filelock import FileLock, Timeout

    try:
        # Removed while it is held, so that nobody else holds it at that moment, or takes it for one that is there.
        with FileLock(lock, timeout=0):
            lock.unlink(missing_ok=True)
    except Timeout:
        return False
    return True


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _renamed(folder: Path, path: Path) -> bool:
    """Rename a folder; False where there is one already."""
    try:
        folder.rename(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _check_format(root: Path) -> None:
    path = root / "store.json"
    if not path.exists() and not can_write(root):
        return
    if not path.exists():
        write_once(path, json.dumps({"format": FORMAT}).encode(), 0o644)
    try:
        found = json.loads(path.read_bytes())["format"]
    except (ValueError, LookupError, TypeError):
        found = "unreadable"
    if found != FORMAT:
        raise StoreError(
            f"the store at {root} has format {found}, and this hookline reads {FORMAT}",
            hint="use the hookline that wrote it, or move the folder away; what it held is computed again",
        )
