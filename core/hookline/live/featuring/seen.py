"""The versions of feature sets that runs and models of a home have used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.errors import UnknownName, UsageError
from hookline.packages.settling import EVIDENCE
from hookline.plans.hydra.compose import sets_named, sets_there
from hookline.plans.placing.sets import NO_SETS, KnownSet, known_set
from hookline.plans.placing.versions import features_of, version_of
from hookline.registry.registry import Registry
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import Workspace

from .evidence import sets_in

LOOKED_THROUGH = 500
"""Runs that are looked through, the newest."""


@dataclass(frozen=True)
class SetVersion:
    """One version of a feature set, of the project as it stands or as runs have used it.

    told: what the evidence says of it, with `features`, `definitions`, `joins`, `description` and `owner`
    """

    name: str
    version: str
    told: Mapping[str, Any]
    models: tuple[str, ...] = ()
    """Those that were made with it, as `churn:3`."""
    runs: tuple[str, ...] = ()
    """Ids, the newest first."""
    current: bool = False
    """Whether the project defines it so now."""
    live: tuple[str, ...] = ()
    """Models that answer with it now."""

    @property
    def label(self) -> str:
        """Name and version, as commands take it."""
        return f"{self.name}@{self.version}"

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        rest = {key: value for key, value in self.told.items() if key not in ("name", "version")}
        return {
            "name": self.name,
            "version": self.version,
            "current": self.current,
            "models": list(self.models),
            "live": list(self.live),
            "runs": list(self.runs),
            **rest,
        }


def current_set(registry: Registry, name: str, config_dir: Path | None = None) -> KnownSet:
    """Return a set as the project defines it now; raises UnknownName, or ConfigError with every problem of it."""
    if name not in (there := sets_there(registry, config_dir)):
        raise UnknownName("feature set", name, there, hint=None if there else NO_SETS)
    return known_set(registry, name, sets_named(registry, [name], config_dir)[name])


def set_versions(
    registry: Registry, workspace: Workspace, config_dir: Path | None = None, name: str | None = None
) -> list[SetVersion]:
    """Return every version of every set, or of one: the project's, then what runs have used, the newest first.

    Raises ConfigError where a set of the project is wrong, UnknownName where nobody knows the one that is named.
    """
    there = sets_there(registry, config_dir)
    now = {one: current_set(registry, one, config_dir) for one in there if name in (None, one)}
    used = _used(workspace)
    found: list[SetVersion] = []
    for one, known in now.items():
        version = version_of(registry, known)
        told = known.plain() | {
            "tests": len(known.declared.tests),
            "features": [vars(feature) for feature in features_of(registry, known)],
        }
        seen = used.pop((one, version), None)
        found.append(
            SetVersion(one, version, told, current=True)
            if seen is None
            else SetVersion(one, version, {**seen.told, **told}, seen.models, seen.runs, True, seen.live)
        )
    found += [seen for (one, _), seen in used.items() if name in (None, one)]
    if name is not None and not found:
        names = {*there, *(seen.name for seen in used.values())}
        raise UnknownName("feature set", name, names, hint=None if names else NO_SETS)
    return sorted(found, key=lambda one: (one.name, not one.current))


def one_version(versions: list[SetVersion], reference: str) -> SetVersion:
    """Return what `customer` (as it stands) or `customer@1a2b` means; raises UnknownName, or UsageError for several."""
    name, _, wanted = reference.partition("@")
    of_name = [one for one in versions if one.name == name]
    if not of_name:
        raise UnknownName("feature set", name, {one.name for one in versions})
    fits = [one for one in of_name if one.version.startswith(wanted)] if wanted else of_name[:1]
    if not fits:
        raise UnknownName(f"version of feature set '{name}'", wanted, {one.version for one in of_name})
    if len(fits) > 1:
        raise UsageError(
            f"'{reference}' fits {len(fits)} versions", hint=f"one of {', '.join(one.label for one in fits)}"
        )
    return fits[0]


def live_versions(workspace: Workspace) -> set[tuple[str, int]]:
    """Return the versions of models that answer now, whole or in part."""
    return {
        (policy.model, version)
        for policy in workspace.catalog.deployments.every_current()
        for version in {policy.version, *(route.version for route in policy.routes)}
    }


def sets_of_model(record: ModelRecord) -> list[dict[str, Any]]:
    """Return what a version's evidence says of the feature sets that it was made with; empty where it says nothing."""
    return sets_in(Path(record.path) / EVIDENCE)


def _used(workspace: Workspace) -> dict[tuple[str, str], SetVersion]:
    """Return (set, version) -> what used it, the newest first."""
    held: dict[tuple[str, str], dict[str, Any]] = {}
    live = live_versions(workspace)
    for what, label, told, answers in _uses(workspace, live):
        one = held.setdefault((told["name"], told["version"]), {"told": told, "models": [], "runs": [], "live": []})
        one[what].append(label)
        if answers:
            one["live"].append(label)
    return {
        key: SetVersion(*key, one["told"], tuple(one["models"]), tuple(one["runs"]), False, tuple(one["live"]))
        for key, one in held.items()
    }


def _uses(workspace: Workspace, live: set[tuple[str, int]]) -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    for run in workspace.catalog.runs.newest(LOOKED_THROUGH):
        for told in sets_in(Path(run.path) / "evidence.json"):
            yield "runs", run.id, told, False
    for record in workspace.catalog.models.every_version():
        for told in sets_of_model(record):
            yield "models", f"{record.name}:{record.version}", told, (record.name, record.version) in live
