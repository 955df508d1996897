"""Putting a policy in force: only after the one that it was decided on, and only over packages that are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hookline.errors import StoreError
from hookline.kinds.deployments import Deployment
from hookline.packages.manifest import read_manifest
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import ModelRecord

TRIES = 8
"""So often another may be first."""

Decision = tuple[Deployment, str]
"""A policy, and the reason for it."""


def in_turn(catalog: Catalog, model: str, decide: Callable[[Deployment | None], Decision | None]) -> Deployment | None:
    """Put in force what is decided on the policy of the moment, again where a controller or another person was first.

    decide: None leaves things as they are. Returns the policy in force then; raises StoreError where others always win.
    """
    for _ in range(TRIES):
        current = catalog.deployments.current(model)
        decided = decide(current)
        if decided is None:
            return current
        policy, reason = decided
        # A policy that is not yet in force has no number, as is the case of none at all.
        if catalog.deployments.follow(policy, reason, current or policy):
            return catalog.deployments.current(model)
    raise StoreError(f"the policy of '{model}' changes all the time", hint=f"hookline models log {model}")


def require_there(record: ModelRecord) -> None:
    """Raise StoreError or DataError where a version's package is lost or damaged, as far as can be told at once.

    Its manifest is read, and each file must be there in its size; no content is read, as a server does that when it loads it.
    """
    folder = Path(record.path)
    for name, facts in read_manifest(folder)["files"].items():
        path = folder / name
        if not path.is_file():
            raise StoreError(f"package {folder} is incomplete: {name} is missing")
        if path.stat().st_size != facts["bytes"]:
            raise StoreError(f"package {folder} is damaged: {name} is not what the manifest says")
