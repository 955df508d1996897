"""A registered version that can learn on: its trainer goes on from where it was, and its packager holds the model itself."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.capabilities import Updatable
from hookline.kinds.deployments import Trust
from hookline.kinds.kinds import Packager, Trainer
from hookline.packages.loading import stored_of
from hookline.packages.manifest import verify
from hookline.registry.ports import assignable, ports
from hookline.registry.registry import Registry
from hookline.runs.names import find
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import Workspace


@dataclass(frozen=True)
class Old:
    """The version that is to learn, with what goes on making it."""

    record: ModelRecord
    manifest: Mapping[str, Any]
    packager: Packager
    trainer: Any
    """A Trainer that is Updatable."""


def learns_on(registry: Registry, workspace: Workspace, model: str, trust: Trust | None = None) -> None:
    """Raise UsageError where a registered model cannot learn on, with the trainers, or packagers, that can."""
    old_of(registry, workspace, model, trust)


def old_of(registry: Registry, workspace: Workspace, model: str, trust: Trust | None = None) -> Old:
    """Return the version that a name means; raises UsageError where it cannot learn on, and as loading it does.

    Its trainer is that of the code in use: where that travels in the package and is another here, its own.
    """
    found = find(model, workspace.home)
    if found.model is None or found.version is None:
        raise UsageError(
            f"'{model}' is no registered model, and only such a one gets a new version",
            hint="`hookline models list` lists them; a run with a deployer registers one",
        )
    record = workspace.catalog.models.get(found.model, found.version)
    manifest = verify(Path(record.path))
    registry = stored_of(Path(record.path), manifest, registry, trust).registry
    trainer = _trainer(registry, record, manifest)
    return Old(record, manifest, _packager(registry, record, manifest, trainer), trainer)


@dataclass(frozen=True)
class Position:
    """Up to where a version has learned a source whose rows keep coming, or was trained on it."""

    upto: str
    place: Mapping[str, Any]
    """Which source; empty in a package that does not say."""


def position_in(manifest: Mapping[str, Any]) -> Position | None:
    """Return the position that a package has; None where it has none."""
    for facts in (manifest.get("updated_from") or {}, manifest.get("data") or {}):
        if facts.get("upto"):
            return Position(str(facts["upto"]), facts.get("place") or {})
    return None


def _trainer(registry: Registry, record: ModelRecord, manifest: Mapping[str, Any]) -> Trainer:
    said = manifest.get("trainer")
    if not said:
        raise UsageError(
            f"the package of {_name(record)} does not say which trainer made it",
            hint="it was made by an earlier hookline: run it again to make it anew",
        )
    trainer = registry.build("trainer", said["component"], said["fields"], "trainer")
    assert isinstance(trainer, Trainer)
    if not isinstance(trainer, Updatable):
        names = [
            name for name in registry.names("trainer") if issubclass(registry.entry("trainer", name).cls, Updatable)
        ]
        raise UsageError(
            f"trainer '{trainer.name}', which made {_name(record)}, cannot learn on from a batch",
            hint=f"trainers that can: {', '.join(names) or 'none is installed'}",
        )
    type(trainer).check_backend()
    return trainer


def _packager(registry: Registry, record: ModelRecord, manifest: Mapping[str, Any], trainer: Trainer) -> Packager:
    packager = registry.build("packager", manifest["packager"], manifest.get("packager_config") or {}, "packager")
    assert isinstance(packager, Packager)
    if not packager.native:
        choices = " or ".join(f"packager=[{name}]" for name in _native(registry, trainer))
        raise UsageError(
            f"the package of {_name(record)} is of packager '{packager.name}', which does not hold the model itself",
            hint=f"run again with one that does, as the first: {choices or 'none is installed'}",
        )
    type(packager).check_backend()
    return packager


def _native(registry: Registry, trainer: Trainer) -> list[str]:
    """Return the packagers that hold the model itself, and take what a trainer makes."""
    made = ports(type(trainer)).makes
    found = []
    for name in registry.names("packager"):
        cls: Any = registry.entry("packager", name).cls
        wanted = typing.get_args(next(iter(ports(cls).takes.values()), Any))
        if cls.native and (not wanted or assignable(made, wanted[0])):
            found.append(name)
    return found


def _name(record: ModelRecord) -> str:
    return f"{record.name}:{record.version}"
