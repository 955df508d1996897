"""Content-addressed artifacts in folders: atomic, safe between processes, and signed, so that a damaged entry is no entry."""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import StoreError

FORMAT = 1
"""Version of the store's layout."""
ENTRY = "entry.json"
log = logging.getLogger("hookline.store")


@dataclass
class Store:
    """Folders of files under a root, each keyed by the fingerprint of what made it.

    An entry is visible once it is whole: files first, then a signed `entry.json`, then one rename. The signature's key
    stays in the root (or in HOOKLINE_STORE_KEY, for a team), so an entry made elsewhere is not mistaken for our own.

    root: a folder on a local disk
    remote: an fsspec URL that mirrors the root; read on a local miss, written on every put
    """

    root: Path
    remote: str | None = None
    _verified: dict[Path, tuple[tuple[str, int, int], ...]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        with _clear_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            self._check_format()
            self.key = _key(self.root)
            self._sweep()

    def has(self, fingerprint: str) -> bool:
        """Tell, without reading contents, whether an entry is there."""
        facts = _read_entry(self._path(fingerprint))
        return facts is not None and all(
            _size(self._path(fingerprint) / name) == said["bytes"] for name, said in facts["files"].items()
        )

    def get(self, fingerprint: str) -> Path | None:
        """Return an entry's folder, every file checked against its signature; a damaged one is discarded, and None returned."""
        path = self._path(fingerprint)
        if not path.exists() and self.remote:
            self._download(fingerprint)
        if not path.exists():
            return None
        problem = self._problem(path)
        if problem is None:
            return path
        log.warning("stored entry %s is discarded: %s", fingerprint[:12], problem)
        self.discard(fingerprint)
        return None

    def put(
        self, fingerprint: str, write: Callable[[Path], None], *, note: Mapping[str, Any] | None = None
    ) -> Path:
        """Fill an entry and make it visible in one step; a failed or killed writer leaves nothing that a reader can see.

        Raises StoreError where the disk is full or read-only; what `write` raises goes on.
        """
        path = self._path(fingerprint)
        temporary = self.root / "tmp" / f"{os.getpid()}-{secrets.token_hex(6)}"
        with _clear_errors(self.root):
            temporary.mkdir(parents=True)
            try:
                write(temporary)
                self._sign(temporary, note or {})
                path.parent.mkdir(parents=True, exist_ok=True)
                try:
                    temporary.rename(path)
                except OSError as error:
                    if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                        raise
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        if self.remote:
            self._upload(fingerprint)
        return path

    @contextmanager
    def lock(self, fingerprint: str) -> Iterator[None]:
        """Hold an entry's lock between processes, so that one computes while the others wait; a killed holder frees it."""
        from filelock import FileLock

        with _clear_errors(self.root):
            folder = self.root / "locks"
            folder.mkdir(exist_ok=True)
            held = FileLock(folder / f"{fingerprint[:32]}.lock")
            held.acquire()
        try:
            yield
        finally:
            held.release()

    def discard(self, fingerprint: str) -> None:
        """Remove an entry; it disappears in one step."""
        path = self._path(fingerprint)
        aside = self.root / "tmp" / f"{os.getpid()}-{secrets.token_hex(6)}"
        with _clear_errors(self.root):
            aside.parent.mkdir(exist_ok=True)
            try:
                path.rename(aside)
            except FileNotFoundError:
                return
            shutil.rmtree(aside, ignore_errors=True)

    def entries(self) -> list[str]:
        """Return the fingerprints of all visible entries, sorted."""
        return sorted(path.parent.name for path in self.root.glob(f"??/*/{ENTRY}"))

    def size(self) -> int:
        """Return the bytes of all visible entries."""
        return sum(path.stat().st_size for path in self.root.glob("??/*/**/*") if path.is_file())

    def prune(self, keep: frozenset[str]) -> int:
        """Discard every entry whose fingerprint is not in `keep`; returns how many."""
        gone = [fingerprint for fingerprint in self.entries() if fingerprint not in keep]
        for fingerprint in gone:
            self.discard(fingerprint)
        return len(gone)

    def _path(self, fingerprint: str) -> Path:
        return self.root / fingerprint[:2] / fingerprint

    def _sign(self, folder: Path, note: Mapping[str, Any]) -> None:
        files = {name: {"bytes": _size(folder / name), "blake2b": self._digest(folder / name)} for name in _files(folder)}
        for name in files:
            _flush(folder / name)
        signature = self._signature(files)
        text = json.dumps({"format": FORMAT, "files": files, "signature": signature, "note": note}, default=str)
        with (folder / ENTRY).open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def _problem(self, path: Path) -> str | None:
        facts = _read_entry(path)
        if facts is None:
            return f"{ENTRY} is missing or unreadable"
        if not hmac.compare_digest(str(facts.get("signature")), self._signature(facts["files"])):
            return "its signature is not this store's"
        seen = tuple(_stamp(path, name) for name in sorted(facts["files"]))
        if self._verified.get(path) == seen:
            return None
        for name, said in facts["files"].items():
            if _size(path / name) != said["bytes"]:
                return f"{name} is missing or truncated"
            if self._digest(path / name) != said["blake2b"]:
                return f"{name} has changed"
        self._verified[path] = seen
        return None

    def _signature(self, files: Mapping[str, Any]) -> str:
        text = json.dumps(files, sort_keys=True)
        return hashlib.blake2b(text.encode(), key=self.key, digest_size=32).hexdigest()

    def _digest(self, path: Path) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(key=self.key, digest_size=32)).hexdigest()

    def _check_format(self) -> None:
        path = self.root / "store.json"
        try:
            found = json.loads(path.read_text("utf-8")).get("format")
        except FileNotFoundError:
            _write_once(path, json.dumps({"format": FORMAT}).encode(), 0o644)
            return
        except (ValueError, AttributeError):
            found = "unreadable"
        if found != FORMAT:
            raise StoreError(
                f"the store at {self.root} has format {found}, and this hookline reads {FORMAT}",
                hint="use the hookline that wrote it, or move the folder away; what it held is computed again",
            )

    def _sweep(self) -> None:
        """Remove what writers that are dead by now left behind."""
        for path in (self.root / "tmp").glob("*"):
            pid = path.name.partition("-")[0]
            if pid.isdigit() and not _alive(int(pid)):
                shutil.rmtree(path, ignore_errors=True)

    def _remote(self) -> tuple[Any, str]:
        import fsspec

        filesystem, root = fsspec.core.url_to_fs(self.remote)
        return filesystem, str(root)

    def _upload(self, fingerprint: str) -> None:
        filesystem, root = self._remote()
        path, there = self._path(fingerprint), f"{root}/{fingerprint[:2]}/{fingerprint}"
        if filesystem.exists(f"{there}/{ENTRY}"):
            return
        for name in [*_files(path), ENTRY]:
            filesystem.makedirs(f"{there}/{name}".rpartition("/")[0], exist_ok=True)
            filesystem.put_file(str(path / name), f"{there}/{name}")

    def _download(self, fingerprint: str) -> None:
        filesystem, root = self._remote()
        there = f"{root}/{fingerprint[:2]}/{fingerprint}"
        if not filesystem.exists(f"{there}/{ENTRY}"):
            return
        temporary = self.root / "tmp" / f"{os.getpid()}-{secrets.token_hex(6)}"
        try:
            filesystem.get(f"{there}/", f"{temporary}/", recursive=True)
            self._path(fingerprint).parent.mkdir(parents=True, exist_ok=True)
            temporary.rename(self._path(fingerprint))
        except OSError as error:
            log.warning("%s could not be read from %s: %s", fingerprint[:12], self.remote, error)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _clear_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StoreError(f"the disk of {root} is full; nothing was lost", hint="free space, or set HOOKLINE_HOME") from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StoreError(f"the store at {root} cannot be written: {error.strerror}", hint="set HOOKLINE_HOME") from error
        raise


def _key(root: Path) -> bytes:
    shared = os.environ.get("HOOKLINE_STORE_KEY")
    if shared:
        return hashlib.sha256(shared.encode()).digest()
    path = root / "key"
    _write_once(path, secrets.token_bytes(32), 0o600)
    return path.read_bytes()


def _write_once(path: Path, content: bytes, mode: int) -> None:
    """Create a file whole or not at all; where another process was first, its file stays."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink(missing_ok=True)


def _read_entry(path: Path) -> dict[str, Any] | None:
    try:
        facts = json.loads((path / ENTRY).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) and isinstance(facts.get("files"), dict) else None


def _files(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name != ENTRY)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _stamp(path: Path, name: str) -> tuple[str, int, int]:
    try:
        found = (path / name).stat()
    except OSError:
        return name, -1, -1
    return name, found.st_size, found.st_mtime_ns


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
