"""Signs a folder of files with a secret key, and says what is wrong with a folder that was signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.errors import StoreError
from hookline.telling.secrets import remember

from .bounded import Unreadable, parse_json, read_ordinary
from .files import temporary_for

ENTRY = "entry.json"
"""The file that names all others with their sizes and digests, and carries the signature."""
FORMAT = 1
"""Version of `entry.json` and of the folders around it."""
KEY_BYTES = 32


@dataclass
class Signer:
    """A secret key, and which folders were found to agree with it.

    Digests and signatures are keyed BLAKE2b (RFC 7693, section 2.9), so that nobody without the key can make an entry.
    """

    key: bytes = field(repr=False)
    _verified: dict[Path, tuple[tuple[str, int, int, int], ...]] = field(default_factory=dict, repr=False)

    def sign(self, folder: Path, fingerprint: str, note: Mapping[str, Any]) -> None:
        """Write a folder's `entry.json`, with every file flushed to the disk before it."""
        facts = self.signed(folder, fingerprint, note)
        for name in facts["files"]:
            flush(folder / name)
        with (folder / ENTRY).open("w", encoding="utf-8") as file:
            json.dump(facts, file)
            file.flush()
            os.fsync(file.fileno())

    def signed(self, folder: Path, fingerprint: str, note: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a folder's `entry.json` would say, signature and all; writes nothing."""
        names = files_in(folder)
        files = {name: {"bytes": _size(folder / name), "blake2b": self._digest(folder / name)} for name in names}
        body = {"format": FORMAT, "fingerprint": fingerprint, "files": files, "note": note}
        facts: dict[str, Any] = json.loads(json.dumps(body, default=str))
        return facts | {"signature": self._signature(facts)}

    def facts(self, folder: Path, fingerprint: str) -> dict[str, Any] | None:
        """Return what a folder's `entry.json` says, or None where it is missing, unreadable, or not signed by us."""
        try:
            return self.authentic(read_ordinary(folder / ENTRY), fingerprint)
        except (OSError, Unreadable):
            return None

    def authentic(self, entry: bytes, fingerprint: str) -> dict[str, Any] | None:
        """Return the content of an `entry.json`, or None where it is not signed by us for this fingerprint."""
        try:
            facts = parse_json(entry)
        except Unreadable:
            return None
        if not isinstance(facts, dict) or facts.get("fingerprint") != fingerprint:
            return None
        said = str(facts.get("signature")).encode()
        return facts if hmac.compare_digest(said, self._signature(facts).encode()) else None

    def sizes_agree(self, folder: Path, fingerprint: str) -> bool:
        """Tell, without reading the files, whether a folder is signed and whole."""
        facts = self.facts(folder, fingerprint)
        return facts is not None and all(_size(folder / name) == said["bytes"] for name, said in facts["files"].items())

    def problem(self, folder: Path, fingerprint: str) -> str | None:
        """Say what is wrong with a folder, or None; what agreed once is hashed again only if it has changed since."""
        facts = self.facts(folder, fingerprint)
        if facts is None:
            return f"its {ENTRY} is missing, damaged, or was not signed with this store's key"
        if files_in(folder) != sorted(facts["files"]):
            return "files are missing, or there are more than were signed"
        stamps = tuple(_stamp(folder, name) for name in facts["files"])
        if self._verified.get(folder) == stamps:
            return None
        for name, said in facts["files"].items():
            if _size(folder / name) != said["bytes"]:
                return f"{name} has another length"
            if not self._unchanged(folder / name, said["blake2b"]):
                return f"{name} has changed"
        self._verified[folder] = stamps
        return None

    def read(self, folder: Path, fingerprint: str, name: str) -> bytes | None:
        """Return one file of a folder, or None where it is missing or not as it was signed; no other file is read."""
        facts = self.facts(folder, fingerprint)
        if facts is None or name not in facts["files"]:
            return None
        try:
            content = (folder / name).read_bytes()
        except OSError:
            return None
        return content if self.is_file(facts, name, content) else None

    def is_file(self, facts: Mapping[str, Any], name: str, content: bytes) -> bool:
        """Tell whether this is the content of a file that an entry's facts name."""
        if name not in facts["files"]:
            return False
        digest = hashlib.blake2b(content, key=self.key, digest_size=32).hexdigest()
        return hmac.compare_digest(digest, facts["files"][name]["blake2b"])

    def _unchanged(self, path: Path, digest: str) -> bool:
        try:
            return hmac.compare_digest(self._digest(path), digest)
        except OSError:
            return False

    def _signature(self, facts: Mapping[str, Any]) -> str:
        signed = {name: value for name, value in facts.items() if name != "signature"}
        text = json.dumps(signed, sort_keys=True)
        return hashlib.blake2b(text.encode(), key=self.key, digest_size=32, person=b"entry").hexdigest()

    def _digest(self, path: Path) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(key=self.key, digest_size=32)).hexdigest()


def read_key() -> bytes:
    """Return the key that HOOKLINE_STORE_KEY shares within a team, else this user's own, made if need be.

    It lies outside of every store, in the user's config folder: a folder that somebody hands on, store and all, is not trusted
    for what it says of itself. Raises StoreError where the key cannot be read or written.
    """
    shared = os.environ.get("HOOKLINE_STORE_KEY")
    if shared:
        remember(shared)
        return hashlib.sha256(shared.encode()).digest()
    path = key_path()
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_once(path, secrets.token_bytes(KEY_BYTES), 0o600)
        key = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"the key that signs stored entries cannot be kept in {path}: {error.strerror}",
            hint="set HOOKLINE_STORE_KEY to a secret of yours, or XDG_CONFIG_HOME to a folder of yours",
        ) from error
    if len(key) != KEY_BYTES:
        raise StoreError(f"{path} is not a store's key", hint="delete it; what was stored is computed again")
    return key


def known_key() -> bytes | None:
    """Return the key as `read_key` does, but make none: None where there is no readable one."""
    shared = os.environ.get("HOOKLINE_STORE_KEY")
    if shared:
        return hashlib.sha256(shared.encode()).digest()
    try:
        key = key_path().read_bytes()
    except (OSError, RuntimeError):  # The second where the user has no home.
        return None
    return key if len(key) == KEY_BYTES else None


def key_name(key: bytes) -> str:
    """Return what a key is known by, which tells nothing of it."""
    return hashlib.blake2b(b"", key=key, digest_size=8, person=b"name").hexdigest()


def signature_of(key: bytes, digest: str) -> str:
    """Return the signature of a package's digest: a keyed BLAKE2b, which nobody without the key can make."""
    return hashlib.blake2b(digest.encode(), key=key, digest_size=32, person=b"package").hexdigest()


def key_path() -> Path:
    """Return where the user's own key lies; raises StoreError where the user has no folder."""
    config = os.environ.get("XDG_CONFIG_HOME")
    try:
        return (Path(config) if config else Path.home() / ".config") / "hookline" / "store.key"
    except RuntimeError:  # There is no HOME, and the system does not know this user, as in many a container.
        raise StoreError(
            "there is no home folder for the key that signs stored entries",
            hint="set HOOKLINE_STORE_KEY to a secret of yours, or XDG_CONFIG_HOME to a folder of yours",
        ) from None


def write_once(path: Path, content: bytes, mode: int) -> None:
    """Create a file whole or not at all; where another process was first, its file stays."""
    temporary = temporary_for(path)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink(missing_ok=True)


def files_in(folder: Path) -> list[str]:
    """Return the names of a folder's files but `entry.json`, with `/` for folders, sorted; a link counts as a file."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(name for path in found if (name := path.relative_to(folder).as_posix()) != ENTRY)


def flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _stamp(folder: Path, name: str) -> tuple[str, int, int, int]:
    try:
        found = (folder / name).stat()
    except OSError:
        return name, -1, -1, -1
    # The change time too: unlike the modification time, nobody can set it back.
    return name, found.st_size, found.st_mtime_ns, found.st_ctime_ns
