"""Current rows held against what a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hookline.data.contract.file import read_contract
from hookline.data.contract.rules import require_accepted
from hookline.errors import StoreError
from hookline.kinds.artifacts import Dataset
from hookline.kinds.plain import from_json
from hookline.kinds.reports import Profile, Reference, Report
from hookline.packages.manifest import verify
from hookline.packages.scoring import read_table
from hookline.packages.state import package_roles, package_schema
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import find_package


def check(model: str, data: str, monitors: Sequence[str], contract: Path | None = None) -> dict[str, Report]:
    """Return each monitor's report on a file against a package's reference.

    contract: a file whose word stands above the package's own contract
    """
    folder, _ = find_package(model)
    verify(folder)
    registry = load_registry()
    schema = package_schema(folder)
    if contract is not None:
        schema = read_contract(contract, "--contract").over(schema, "the model takes")
    current = read_table(registry, data, schema)
    require_accepted(current.frame, schema)
    return {name: _check_one(registry, name, folder, current) for name in monitors}


def _check_one(registry: Registry, name: str, folder: Path, current: Dataset) -> Report:
    monitor: Any = registry.build("monitor", name, {}, f"monitor.{name}")
    type(monitor).check_backend()
    files = {path.name: path for path in (folder / "monitors" / name).glob("*")}
    reference = Reference(_profile(folder), None, files, package_roles(folder).time)
    report: Report = monitor.check(current, reference)
    return report


def _profile(folder: Path) -> Profile:
    import json

    try:
        return from_json(Profile, json.loads((folder / "profile.json").read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise StoreError(f"package {folder} has no readable profile of its training data: {error}") from None
