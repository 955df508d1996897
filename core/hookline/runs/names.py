"""What a name means: a run, a model's version, or a package's folder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from hookline.errors import DataError, UnknownName, UsageError
from hookline.kinds.deployments import Trust
from hookline.packages.loading import LoadedPackage, load_package
from hookline.packages.manifest import MANIFEST
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace

from .result import Run, load_run


def load(
    what: str | Path,
    *,
    trust: Trust | None = None,
    home: str | Path | None = None,
    contract: str | Path | None = None,
) -> Run | LoadedPackage:
    """Load a run (`"last"`, an id, a folder) or a package (a folder, `"model"`, `"model@alias"`, `"model:3"`).

    contract: a contract file whose word stands above the package's own.
    Raises UnknownName, DataError, StoreError, or UntrustedPackage where loading could run code that `trust` does not allow.
    """
    from hookline.packages.loading import load_package
    from hookline.packages.manifest import MANIFEST

    said = None if contract is None else Path(contract)
    folder = Path(what)
    try:
        is_package, is_run = ((folder / name).is_file() for name in (MANIFEST, "evidence.json"))
    except OSError:  # What is too long for a path is none.
        is_package = is_run = False
    if is_package:
        return load_package(folder, load_registry(), trust, said)
    if is_run:
        return load_run(folder, trust, said)
    workspace = open_workspace(home)
    name = str(what)
    model, number, alias = split_model_name(name)
    if model in {record.name for record in workspace.catalog.models()}:
        record = workspace.catalog.model(model, number or alias)
        return load_package(Path(record.path), load_registry(), trust, said)
    return load_run(Path(workspace.catalog.run(name).path), trust, said)


def split_model_name(text: str) -> tuple[str, int | None, str | None]:
    """Split `model`, `model:3` or `model@alias` into name, version and alias."""
    name, at, alias = text.partition("@")
    if at:
        return name, None, alias
    name, colon, number = text.partition(":")
    return (name, int(number), None) if colon and number.isdigit() else (text, None, None)


def find_package(what: str) -> tuple[Path, dict[str, Any]]:
    """Return a package's folder, and the model's name and version where the catalog knows them.

    what: a package folder, a run folder, `last`, a run id, `model`, `model:3` or `model@alias`.
    """
    folder = Path(what)
    with suppress(OSError):  # What is too long for a path is none.
        if what and (folder / MANIFEST).is_file():
            return folder, {}
        if what and (folder / "packages").is_dir():
            return _in_run(folder), {}
    catalog = open_workspace().catalog
    name, number, alias = split_model_name(what)
    models = {record.name for record in catalog.models()}
    runs = [record.id for record in catalog.runs(1000)]
    if not (name in models or number or alias or what == "last" or any(what and run.startswith(what) for run in runs)):
        with suppress(OSError):
            if what and folder.is_dir():
                return _in_run(folder), {}
        raise UnknownName("model or run", what[:100], sorted(models))
    if name in models or number or alias:
        record = catalog.model(name, number or alias)
        return Path(record.path), {"model": name, "version": record.version}
    return _in_run(Path(catalog.run(what).path)), {}


def load_named(what: str, trust: Trust, contract: Path | None = None) -> tuple[LoadedPackage, dict[str, Any]]:
    """Load the package that a command names, with the facts a server or a log wants."""
    folder, facts = find_package(what)
    loaded = load_package(folder, load_registry(), trust, contract)
    manifest = loaded.manifest
    return loaded, {"model": manifest["name"], "version": None, "format": manifest["packager"], **facts}


def _in_run(folder: Path) -> Path:
    if not folder.is_dir():
        raise DataError(f"the run's folder {folder} is gone", hint="run it again; what it computed is kept")
    found = sorted((folder / "packages").glob("*")) if (folder / "packages").is_dir() else []
    if not found:
        raise DataError(f"{folder} holds no package", hint="run with packager=[onnx]")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise UsageError(f"{folder} holds several packages: {names}", hint=f"name one: {found[0]}")
    return found[0]
