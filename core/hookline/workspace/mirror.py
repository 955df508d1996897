"""A store's mirror on any file system that fsspec speaks, such as object storage; a mirror that fails costs time, not the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.errors import StoreError
from hookline.telling.secrets import learn, logger

from .signing import ENTRY, Signer

log = logger("hookline.workspace.store")


@dataclass
class Remote:
    """Entries at an fsspec URL, signed with the same key as the local ones.

    `<fingerprint>/entry.json` is written last and names its files under a folder of its own, called for the signature. So
    two writers of one fingerprint never mix their files, and a reader sees an entry whole or not at all.
    """

    url: str
    signer: Signer
    _files: Any = field(init=False, repr=False)
    _root: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        import fsspec

        learn(self.url)
        try:
            self._files, root = fsspec.core.url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            raise StoreError(
                f"the remote store {self.url} cannot be opened: {error}",
                hint="give HOOKLINE_STORE_REMOTE a URL that fsspec knows, such as s3://bucket/store or file:///mnt/store",
            ) from error
        self._root = str(root).rstrip("/")

    def has(self, fingerprint: str) -> bool:
        """Tell whether an entry that we signed is there."""
        return self._entry(fingerprint) is not None

    def upload(self, folder: Path, fingerprint: str) -> None:
        """Copy a local entry there, unless it is there already."""
        facts = self.signer.facts(folder, fingerprint)
        if facts is None or self._entry(fingerprint) is not None:
            return
        there = self._at(fingerprint)
        try:
            for name in facts["files"]:
                self._put(folder / name, f"{there}/{_content(facts)}/{name}")
            self._put(folder / ENTRY, f"{there}/{ENTRY}")
        except Exception as error:  # noqa: BLE001 - each file system of fsspec raises errors of its own
            log.warning("%s was not copied to %s: %s", fingerprint[:12], self.url, error)

    def download(self, fingerprint: str, into: Path) -> bool:
        """Copy an entry from there into an empty folder; False where there is none that agrees with its signature."""
        entry = self._entry(fingerprint)
        if entry is None:
            return False
        content, facts = entry
        there = self._at(fingerprint)
        try:
            for name in facts["files"]:
                (into / name).parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(f"{there}/{_content(facts)}/{name}", str(into / name))
            (into / ENTRY).write_bytes(content)
        except Exception as error:  # noqa: BLE001 - each file system of fsspec raises errors of its own
            problem: str | None = str(error)
        else:
            problem = self.signer.problem(into, fingerprint)
        if problem is None:
            return True
        log.warning("%s from %s is not used: %s", fingerprint[:12], self.url, problem)
        self._forget(fingerprint)
        return False

    def _entry(self, fingerprint: str) -> tuple[bytes, dict[str, Any]] | None:
        try:
            content = bytes(self._files.cat_file(f"{self._at(fingerprint)}/{ENTRY}"))
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001 - each file system of fsspec raises errors of its own
            log.warning("%s could not be read: %s", self.url, error)
            return None
        facts = self.signer.authentic(content, fingerprint)
        return None if facts is None else (content, facts)

    def _put(self, path: Path, there: str) -> None:
        self._files.makedirs(there.rpartition("/")[0], exist_ok=True)
        self._files.put_file(str(path), there)

    def _forget(self, fingerprint: str) -> None:
        """Take a damaged entry out of sight, so that the next put makes it whole."""
        try:
            self._files.rm_file(f"{self._at(fingerprint)}/{ENTRY}")
        except Exception as error:  # noqa: BLE001 - each file system of fsspec raises errors of its own
            log.debug("%s stays at %s: %s", fingerprint[:12], self.url, error)

    def _at(self, fingerprint: str) -> str:
        return f"{self._root}/{fingerprint[:2]}/{fingerprint}"


def _content(facts: dict[str, Any]) -> str:
    return str(facts["signature"])[:32]
