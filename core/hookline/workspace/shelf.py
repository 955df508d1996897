"""Packages of registered versions where several machines find them: at a URL that fsspec speaks, signed with the team's key."""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hookline.errors import StoreError
from hookline.telling.secrets import logger

from .disk import clear_errors
from .mirror import Remote
from .signing import ENTRY, Signer, read_key

log = logger("hookline.workspace.shelf")

VARIABLE = "HOOKLINE_MODELS_REMOTE"
LAST = "manifest.json"
"""The file of a package that names all others; what comes later is in sight once this one says so."""


@dataclass(frozen=True)
class Shelf:
    """The packages of a home's `models` at a URL, each by its path in the home: `churn/286d58c7f58bed7e`."""

    home: Path
    url: str

    def put(self, folder: Path) -> None:
        """Copy a package there, or what came to it since; raises StoreError where it cannot be.

        Nobody else can use a version whose package is not there, so it is no version before.
        """
        if not self._may_be_there(folder):
            raise StoreError(f"the package {folder} is not in {self.home / 'models'}, of which {VARIABLE} holds copies")
        if not self._remote.replace(folder, self._key(folder)):
            raise StoreError(
                f"the package {folder} cannot be copied to {self.url}: {self._remote.problem}",
                hint=f"see to {VARIABLE} and its credentials, and do it again: what was computed is kept",
            )

    def bring(self, folder: Path) -> None:
        """Copy a package from there to its place in this home; raises StoreError where it cannot be."""
        if not self._may_be_there(folder):
            raise StoreError(
                f"the package {folder} is not here, and was registered in another home before {VARIABLE} was set",
                hint="register it again where it lies",
            )
        made = self._fetched(folder)
        if made is None:
            raise StoreError(
                f"the package {folder} is not here, and cannot be brought from {self.url}: {self._reason()}",
                hint=f"see to {VARIABLE}, its credentials, and that HOOKLINE_STORE_KEY is the team's",
            )
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
            shutil.rmtree(made, ignore_errors=True)  # Another process was first.

    def renew(self, folder: Path) -> None:
        """Take what came to a package since it was brought, such as its run's evidence; what cannot be taken is left."""
        made = self._fetched(folder) if self._may_be_there(folder) else None
        if made is None:
            return
        for name in sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()):
            if name != LAST and not (folder / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (made / name).rename(folder / name)
        (made / LAST).replace(folder / LAST)
        shutil.rmtree(made, ignore_errors=True)

    def remove(self, folder: Path) -> None:
        """Take a package away there, if it is one of those that may be there; one that cannot be is told of."""
        if self._may_be_there(folder) and not self._remote.remove(self._key(folder)):
            log.warning("the copy of %s at %s could not be removed: %s", folder, self.url, self._remote.problem)

    def has(self, folder: Path) -> bool:
        """Tell whether a package that we signed is there."""
        return self._may_be_there(folder) and self._remote.has(self._key(folder))

    def size(self, folder: Path) -> int:
        """Return the bytes of a package there; 0 where there is none that we signed."""
        return self._remote.size(self._key(folder)) if self._may_be_there(folder) else 0

    def manifest(self, folder: Path) -> bytes | None:
        """Return the manifest of a package there, and bring nothing else; None where none that we signed is there.

        Raises StoreError where that cannot be told.
        """
        return self._remote.read(self._key(folder), LAST) if self._may_be_there(folder) else None

    def problem(self) -> str | None:
        """Say why nothing can be written and read there; None where it can."""
        return None if self._remote.answers() else self._reason()

    @cached_property
    def _remote(self) -> Remote:
        return Remote(self.url, Signer(read_key()), VARIABLE, lasting=True)

    def _may_be_there(self, folder: Path) -> bool:
        """Tell whether a package is of this home: one that was registered before packages were shared may be of another."""
        return folder.is_relative_to(self.home / "models")

    def _key(self, folder: Path) -> str:
        return folder.relative_to(self.home / "models").as_posix()

    def _reason(self) -> str:
        return self._remote.problem or "nothing that is signed with this key is there"

    def _fetched(self, folder: Path) -> Path | None:
        """Return a folder beside a package's with what is there; None where nothing is that agrees with its signature."""
        with clear_errors(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            made = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}")
            made.mkdir()
        try:
            if self._remote.download(self._key(folder), made):
                (made / ENTRY).unlink()
                return made
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        shutil.rmtree(made, ignore_errors=True)
        return None


def shelf_of(home: Path | None) -> Shelf | None:
    """Return the shelf that HOOKLINE_MODELS_REMOTE names; None where it names none, or a catalog is of no home."""
    url = os.environ.get(VARIABLE)
    return Shelf(home, url) if url and home is not None else None


def is_shared() -> bool:
    """Tell whether machines share packages, each in a home of its own."""
    return bool(os.environ.get(VARIABLE))
