"""The end of a version: its package goes, its number, its figures and what was done to it stay on record."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.errors import DataError, StoreError, UsageError
from hookline.kinds.deployments import Deployment
from hookline.packages.manifest import read_manifest
from hookline.workspace.bounded import Unreadable, parse_json
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import Workspace, open_workspace

from ..deploying.naming import version_named
from ..deploying.policies import before_present
from ..mirroring.pushing import keep_in_step


def delete_version(
    version: str, *, reason: str = "", who: str | None = None, home: str | Path | None = None
) -> ModelRecord:
    """Delete a version (`"churn:3"`) with its package, and return what it was; its number is never given again.

    The catalog forgets it first, so that a process which is killed leaves a folder that `gc` finds, and no version without
    one. who: by default, whoever works here
    Raises UnknownName, UsageError for a version that has a part in the policy in force, that an alias points to, that a
    retraining under way is about, or that another learned on from.
    """
    workspace = open_workspace(home)
    workspace.require_writable()
    record = version_named(workspace.catalog, version, "models delete")
    delete(workspace, record, reason, who)
    keep_in_step(record.name, home)
    return record


def delete(
    workspace: Workspace, record: ModelRecord, reason: str, who: str | None = None, *, sparing: bool = False
) -> None:
    """Delete a version with its package; raises UsageError for one that is needed.

    sparing: what a roll-back would go back to is needed as well
    """
    catalog, facts = workspace.catalog, {"run": record.run_id, "format": record.format}
    origins = Origins(catalog)
    # Asked before anybody is kept from writing, since it may have to be read where machines share packages.
    origins.look(catalog.models.versions(record.name))
    # Whoever is registering the same package would find it whole, and then gone.
    with workspace.package_place(record.name, record.fingerprint):
        with catalog.database.writing() as connection:
            require_unneeded(needs_of(catalog, record.name, origins), record, sparing=sparing)
            catalog.models.forget(connection, record.name, record.version)
            catalog.acts.add(connection, record.name, record.version, "deleted", facts, reason, who)
        if Path(record.path).is_relative_to(workspace.home):
            shutil.rmtree(record.path, ignore_errors=True)
        if catalog.models.shelf is not None:
            catalog.models.shelf.remove(Path(record.path))


@dataclass(frozen=True)
class Needs:
    """What versions of a model are needed for."""

    in_force: frozenset[int]
    """They have a part in the policy."""
    before: frozenset[int]
    """A roll-back goes back to them."""
    aliases: Mapping[int, tuple[str, ...]]
    """Version -> what it is called."""
    trained: frozenset[int]
    """The champion and the challenger of a retraining under way."""
    heirs: Mapping[int, tuple[int, ...]]
    """Version -> those that learned on from it, the newest first."""

    def why(self, version: int, *, gone: Collection[int] = ()) -> str | None:
        """Say what a version is needed for; None where that is nothing. gone: versions that need it no more"""
        if version in self.in_force:
            return "it is in force"
        if version in self.trained:
            return "a retraining under way is about it"
        if heirs := [heir for heir in self.heirs.get(version, ()) if heir not in gone]:
            return f"v{heirs[0]} learned on from it"
        if version in self.aliases:
            return f"@{self.aliases[version][0]} points to it"
        return "a roll-back goes back to it" if version in self.before else None


def needs_of(catalog: Catalog, name: str, origins: Origins) -> Needs:
    """Return what a model's versions are needed for at this moment."""
    history = catalog.deployments.history(name)
    versions, retraining = catalog.models.versions(name), catalog.retrainings.under_way(name)
    back = before_present(history)
    aliases: dict[int, tuple[str, ...]] = {}
    for alias, version in sorted(catalog.models.aliases(name).items()):
        aliases[version] = (*aliases.get(version, ()), alias)
    made = {record.fingerprint: record.version for record in versions}
    heirs: dict[int, tuple[int, ...]] = {}
    for record in versions:
        parent = made.get(origins.of(record) or "")
        if parent is not None:
            heirs[parent] = (*heirs.get(parent, ()), record.version)
    return Needs(
        _parts(history[0]) if history else frozenset(),
        frozenset() if back is None else _parts(back),
        aliases,
        frozenset(one for one in (retraining.champion, retraining.version) if one is not None)
        if retraining
        else frozenset(),
        heirs,
    )


def require_unneeded(needs: Needs, record: ModelRecord, *, sparing: bool = False) -> None:
    """Raise UsageError for a version that is needed. sparing: for a roll-back as well"""
    name, version = record.name, record.version
    if version in needs.in_force:
        raise UsageError(
            f"{name}:{version} is in force: it has a part in the policy of '{name}'",
            hint=f"put another in charge first: hookline models promote {name}:N",
        )
    if version in needs.trained:
        raise UsageError(
            f"{name}:{version} is needed by the retraining of '{name}' that is under way",
            hint=f"wait for it, or end it: hookline retrain stop {name}",
        )
    if heirs := needs.heirs.get(version):
        raise UsageError(
            f"{name}:{heirs[0]} learned on from {name}:{version}, and by it alone is known how it was made",
            hint=f"delete {name}:{heirs[0]} first",
        )
    if aliases := needs.aliases.get(version):
        raise UsageError(
            f"{name}:{version} is what {', '.join(f'{name}@{alias}' for alias in aliases)} means",
            hint=f"point it at another first: hookline models promote {name}:N --alias {aliases[0]}",
        )
    if sparing and version in needs.before:
        raise UsageError(f"{name}:{version} is what a roll-back goes back to")


@dataclass
class Origins:
    """What versions learned on from, by its fingerprint; each is read once."""

    catalog: Catalog
    _known: dict[str, str | None] = field(default_factory=dict)

    def look(self, records: Iterable[ModelRecord]) -> None:
        """Read it of some versions; raises StoreError where it lies where machines share packages, and cannot be read."""
        for record in records:
            self.of(record)

    def of(self, record: ModelRecord) -> str | None:
        """Return what a version learned on from; None of one that did not, or whose package is lost everywhere."""
        if record.fingerprint not in self._known:
            said = self._manifest(record).get("updated_from")
            self._known[record.fingerprint] = str(said["fingerprint"]) if said else None
        return self._known[record.fingerprint]

    def _manifest(self, record: ModelRecord) -> Mapping[str, Any]:
        folder, shelf = Path(record.path), self.catalog.models.shelf
        try:
            return read_manifest(folder)
        except (DataError, StoreError):
            if shelf is None:
                return {}
        # It is signed with the team's key, as is all that is taken from there.
        content = shelf.manifest(folder)
        try:
            return {} if content is None else dict(parse_json(content))
        except Unreadable:
            return {}


def _parts(policy: Deployment) -> frozenset[int]:
    return frozenset({policy.version, *(route.version for route in policy.routes)})
