"""What a name means: a run, a model or one of its versions, or a package's folder; the same for every command."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.errors import DataError, UnknownName, UsageError
from hookline.kinds.deployments import Trust
from hookline.packages.door.files import MANIFEST
from hookline.packages.loading import LoadedPackage, load_package
from hookline.packages.settling import settle
from hookline.registry.registry import load_registry
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.workspace import Workspace, open_workspace

from .result import Run, load_run, packaging, read_evidence


@dataclass(frozen=True)
class Found:
    """What a name means."""

    folder: Path
    """Of a run, or of a package."""
    is_run: bool = False
    model: str | None = None
    """The model in the catalog that the package is a version of; None where none was named."""
    version: int | None = None
    whole: bool = False
    """Whether the model was named without a version, so that its policy says which one is meant."""

    def package(self) -> Path:
        """Return the package's folder: of a run the only one that it made; raises DataError or UsageError."""
        return _only_package(self.folder) if self.is_run else self.folder


def find(what: str | Path, home: str | Path | None = None) -> Found:
    """Return what a name means; raises UnknownName, or UsageError where it fits several runs.

    what: a package folder, a run folder, `model`, `model:3`, `model@alias`, `last`, a run id or its first letters
    """
    name, folder = str(what), Path(what)
    is_folder = False
    with suppress(OSError):  # What is too long for a path is none.
        if name and (folder / MANIFEST).is_file():
            return Found(folder)
        if name and ((folder / "evidence.json").is_file() or (folder / "packages").is_dir()):
            return Found(folder, is_run=True)
        is_folder = bool(name) and folder.is_dir()
    workspace = open_workspace(home)
    catalog = workspace.catalog
    found = _in_catalog(workspace, name)
    if found is not None:
        return found
    if is_folder:
        return Found(folder, is_run=True)
    raise UnknownName("model or run", name[:100], catalog.models.names())


def load(
    what: str | Path, *, trust: Trust | None = None, home: str | Path | None = None, contract: Path | None = None
) -> Run | LoadedPackage:
    """Load the run or the package that a name means."""
    found = find(what, home)
    if found.is_run:
        return load_run(found.folder, trust, contract)
    return load_package(found.folder, load_registry(), trust, contract)


def load_run_named(what: str | Path, *, trust: Trust | None = None, home: str | Path | None = None) -> Run:
    """Load the run that a name means; raises UnknownName, or UsageError where it means a package."""
    folder = Path(what)
    with suppress(OSError):  # What is too long for a path is none.
        if (folder / "evidence.json").is_file():
            return load_run(folder, trust, None)
    catalog = open_workspace(home).catalog
    if catalog.runs.find(str(what)) is None and _is_package(catalog, what):
        raise UsageError(f"'{what}' is a package, and only a run is meant here", hint="`hookline runs list` lists them")
    return load_run(Path(catalog.runs.get(str(what)).path), trust, None)


def run_of(what: str | Path | Run, *, trust: Trust | None = None, home: str | Path | None = None) -> Run:
    """Return a run that somebody holds, or names as for `load_run_named`."""
    return what if isinstance(what, Run) else load_run_named(what, trust=trust, home=home)


def load_named(what: str, trust: Trust | None, contract: Path | None = None) -> tuple[LoadedPackage, dict[str, Any]]:
    """Load the package that a command names, with what answers and records say of it: model, version and format."""
    found = find(what)
    loaded = load_package(found.package(), load_registry(), trust, contract)
    manifest = loaded.manifest
    model = found.model or manifest["name"]
    return loaded, {"model": model, "version": found.version, "format": manifest["packager"]}


def split_model_name(text: str) -> tuple[str, int | None, str | None]:
    """Split `model`, `model:3` or `model@alias` into name, version and alias."""
    name, at, alias = text.partition("@")
    if at:
        return name, None, alias
    name, colon, number = text.partition(":")
    # The catalog's numbers have 64 bits, and Python reads no number of thousands of digits.
    return (name, int(number), None) if colon and re.fullmatch(r"\d{1,18}", number) else (text, None, None)


def _in_catalog(workspace: Workspace, name: str) -> Found | None:
    catalog = workspace.catalog
    model, number, alias = split_model_name(name)
    said = alias if number is None else number
    if said is not None or catalog.models.has(model):
        record = catalog.models.get(model, said)
        settle(workspace, record)
        return Found(Path(record.path), model=model, version=record.version, whole=said is None)
    run = catalog.runs.find(name) if name else None
    return None if run is None else Found(Path(run.path), is_run=True)


def _is_package(catalog: Catalog, what: str | Path) -> bool:
    with suppress(OSError):
        if (Path(what) / MANIFEST).is_file():
            return True
    return catalog.models.has(split_model_name(str(what))[0])


def _only_package(folder: Path) -> Path:
    if not folder.is_dir():
        raise DataError(f"the run's folder {folder} is gone", hint="run it again; what it computed is kept")
    found = sorted((folder / "packages").glob("*")) if (folder / "packages").is_dir() else []
    if not found:
        evidence = read_evidence(folder) if (folder / "evidence.json").is_file() else {"plan": []}
        raise DataError(f"{folder} holds no package", hint=packaging(load_registry(), evidence))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise UsageError(f"{folder} holds several packages: {names}", hint=f"name one: {found[0]}")
    return found[0]
