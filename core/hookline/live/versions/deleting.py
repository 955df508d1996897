"""The end of a version: its package goes, its number, its figures and what was done to it stay on record."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from hookline.errors import DataError, StoreError, UsageError
from hookline.kinds.deployments import Deployment
from hookline.packages.manifest import read_manifest
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import open_workspace

from ..deploying.naming import version_named


def delete_version(
    version: str, *, reason: str = "", who: str | None = None, home: str | Path | None = None
) -> ModelRecord:
    """Delete a version (`"churn:3"`) with its package, and return what it was; its number is never given again.

    The catalog forgets it first, so that a process which is killed leaves a folder that `gc` finds, and no version without
    one. who: by default, whoever works here
    Raises UnknownName, UsageError for a version that has a part in the policy in force, or that an alias points to, or
    that another learned on from.
    """
    workspace = open_workspace(home)
    workspace.require_writable()
    catalog = workspace.catalog
    record = version_named(catalog, version, "models delete")
    facts = {"run": record.run_id, "format": record.format}
    for one in catalog.models.versions(record.name):
        if one.version != record.version:
            # Brought where it lies elsewhere, as it may have learned on from this one; what is lost everywhere tells nothing.
            with suppress(StoreError):
                catalog.models.get(record.name, one.version)
    # Whoever is registering the same package would find it whole, and then gone.
    with workspace.package_place(record.name, record.fingerprint):
        with catalog.database.writing() as connection:
            require_unused(catalog, record)
            catalog.models.forget(connection, record.name, record.version)
            catalog.acts.add(connection, record.name, record.version, "deleted", facts, reason, who)
        if Path(record.path).is_relative_to(workspace.home):
            shutil.rmtree(record.path, ignore_errors=True)
        if catalog.models.shelf is not None:
            catalog.models.shelf.remove(Path(record.path))
    return record


def require_unused(catalog: Catalog, record: ModelRecord) -> None:
    """Raise UsageError where a version has a part in the policy in force, or where an alias points to it."""
    name, version = record.name, record.version
    policy = catalog.deployments.current(name)
    if policy is not None and version in _parts(policy):
        raise UsageError(
            f"{name}:{version} is in force: it has a part in the policy of '{name}'",
            hint=f"put another in charge first: hookline models promote {name}:N",
        )
    heirs = [one for one in catalog.models.versions(name) if _came_of(one) == record.fingerprint]
    if heirs:
        raise UsageError(
            f"{name}:{heirs[0].version} learned on from {name}:{version}, and by it alone is known how it was made",
            hint=f"delete {name}:{heirs[0].version} first",
        )
    aliases = [alias for alias, number in catalog.models.aliases(name).items() if number == version]
    if aliases:
        raise UsageError(
            f"{name}:{version} is what {', '.join(f'{name}@{alias}' for alias in aliases)} means",
            hint=f"point it at another first: hookline models promote {name}:N --alias {aliases[0]}",
        )


def _came_of(record: ModelRecord) -> str | None:
    """Return what a version learned on from, by its fingerprint; None of one that did not, or whose package is lost."""
    try:
        said = read_manifest(Path(record.path)).get("updated_from")
    except (DataError, StoreError):
        return None
    return str(said["fingerprint"]) if said else None


def _parts(policy: Deployment) -> set[int]:
    return {policy.version, *(route.version for route in policy.routes)}
