"""How the catalog of a home says where things lie: relative to the home, so that it may be moved or copied whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .engine import file_of


@dataclass(frozen=True)
class Places:
    """The home that paths in a catalog are relative to.

    home: absolute; None for a catalog of no home, whose paths stand as they were given
    url: of the catalog; one that is not kept in the home may be shared by several, so paths in it stay absolute
    """

    home: Path | None
    url: str

    def kept(self, path: str) -> str:
        """Return a path as a row holds it: with `/` and relative where it lies in the home, else as it is."""
        if self.home is None or not path or not self._moves_along():
            return path
        for place, home in ((Path(path), self.home), (Path(path).resolve(), self.home.resolve())):
            if place.is_relative_to(home):
                return place.relative_to(home).as_posix()
        return path

    def found(self, text: str) -> str:
        """Return the path that a row means; empty stays empty."""
        return text if self.home is None or not text else str(self.home / text)

    def _moves_along(self) -> bool:
        file = file_of(self.url)
        return self.home is not None and file is not None and file.resolve().is_relative_to(self.home.resolve())
