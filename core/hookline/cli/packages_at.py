"""Finds the package that a command names, and the table that it reads."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from ..api import load_registry, open_workspace, split_model_name
from ..artifacts import Dataset, Schema
from ..components import Trust
from ..errors import DataError, UnknownName, UsageError
from ..frames import mark_missing
from ..packages import MANIFEST, LoadedPackage, load_package, trust_of_environment
from ..registry import Registry


def add_trust(options: Any) -> None:
    """Add the options that let a package run code."""
    options.add_argument("--allow-pickle", action="store_true", help="let a pickle package run its code")
    options.add_argument(
        "--trust-type", action="append", default=[], help="let a skops package build this type (repeat)"
    )


def trust_of(given: Any) -> Trust:
    """Return what the command line and the environment allow."""
    base = trust_of_environment()
    return Trust(pickle=base.pickle or given.allow_pickle, types=frozenset(given.trust_type))


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


def add_contract(options: Any) -> None:
    """Add the option that puts a package under another contract."""
    options.add_argument(
        "--contract", type=Path, help="a contract whose word stands above the package's own, this time"
    )


def load_named(what: str, trust: Trust, contract: Path | None = None) -> tuple[LoadedPackage, dict[str, Any]]:
    """Load the package that a command names, with the facts a server or a log wants."""
    folder, facts = find_package(what)
    loaded = load_package(folder, load_registry(), trust, contract)
    manifest = loaded.manifest
    return loaded, {"model": manifest["name"], "version": None, "format": manifest["packager"], **facts}


def read_table(registry: Registry, path: str, schema: Schema) -> Dataset:
    """Read a file of rows, what the model takes as text as text; raises DataError where it cannot be read."""
    found: Any = registry.build("source", "file", {"path": path}, "source")
    present = found.load().frame.collect_schema().names()
    # A code such as 007 is a text to the model, whatever it looks like in this file.
    texts = {column.name: "string" for column in schema.columns if column.kind == "string" and column.name in present}
    source: Any = registry.build("source", "file", {"path": path, "dtypes": texts}, "source")
    dataset: Dataset = source.load()
    return dataset.with_frame(mark_missing(dataset.frame))


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
