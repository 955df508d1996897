"""A home with its store and its catalog."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hookline.errors import StoreError

from .catalog.catalog import Catalog
from .catalog.engine import catalog_url
from .store import Store


@dataclass(frozen=True)
class Workspace:
    """A home folder with its store and its catalog."""

    home: Path
    store: Store
    catalog: Catalog

    @classmethod
    def open(cls, home: Path) -> Workspace:
        """Open, or make, the workspace in a folder; raises StoreError where it cannot be written."""
        try:
            home.mkdir(parents=True, exist_ok=True)
            ignore = home / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", "utf-8")
        except OSError as error:
            reason = "it is a file" if home.is_file() else error.strerror
            raise StoreError(
                f"{home} cannot be written: {reason}", hint="set HOOKLINE_HOME to a folder of yours"
            ) from error
        catalog = Catalog(catalog_url(home))
        return cls(home, Store(home / "store", remote=os.environ.get("HOOKLINE_STORE_REMOTE")), catalog)


def open_workspace(home: str | Path | None = None) -> Workspace:
    """Open the workspace: runs, models, store and catalog."""
    from .home import home as default_home

    return Workspace.open(Path(home).absolute() if home else default_home())
