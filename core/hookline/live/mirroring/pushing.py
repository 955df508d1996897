"""What a home knows of a model, told to a tracker: its versions, and the aliases that were moved here alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hookline.errors import HooklineError
from hookline.kinds.tracking.tracker import Standing, Tracker, VersionInfo
from hookline.packages.manifest import read_manifest
from hookline.plans.config import SETTINGS_FILE, settings_at
from hookline.registry.named import trackers
from hookline.registry.registry import load_registry
from hookline.telling.secrets import logger
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.workspace import Workspace, open_workspace

from .agreeing import Difference, differences

log = logger(__name__)


@contextmanager
def trackers_at(home: Path) -> Iterator[dict[str, Tracker]]:
    """Give the trackers that the home's `settings.yaml` names, until the block ends; raises ConfigError, and MissingBackend."""
    registry = load_registry()
    found = trackers(registry.plugins, settings_at(registry, home), home)
    try:
        yield found
    finally:
        for tracker in found.values():
            tracker.close()


def keep_in_step(model: str, home: str | Path | None = None) -> None:
    """Tell trackers of what has changed, as far as `settings.yaml` in the home names any; warn of one that cannot be told."""
    workspace = open_workspace(home)
    if not (workspace.home / SETTINGS_FILE).exists():
        return
    try:
        with trackers_at(workspace.home) as found:
            for tracker in found.values():
                push(workspace, model, tracker)
    except Exception as error:  # noqa: BLE001  a tracker is a plugin's, and what was done here is done whatever it raises
        told = error.message if isinstance(error, HooklineError) else f"{type(error).__name__}: {error}"
        log.warning("%s is not in step elsewhere: %s; once that is mended: hookline models sync %s", model, told, model)


def push(workspace: Workspace, model: str, tracker: Tracker) -> list[Difference]:
    """Register what is to be there, and set the aliases that were moved here alone; returns what stays different.

    Raises StoreError where the tracker cannot be reached.
    """
    versions = mirrored(workspace.catalog, model, tracker)
    if not versions:
        return []
    standing = tracker.standing(model)
    found = differences(workspace.catalog.models.aliases(model), standing, numbers(versions))
    settle(workspace.catalog, model, tracker, versions, standing, [one for one in found if one.way == "out"])
    left = [one for one in found if one.way != "out"]
    if moved := [one for one in left if one.way == "in"]:
        told = ", ".join(f"{one.alias} to v{one.there}" for one in moved)
        log.warning("%s moved %s of %s: hookline models sync %s", tracker.place, told, model, model)
    return left


def mirrored(catalog: Catalog, model: str, tracker: Tracker) -> list[VersionInfo]:
    """Return the versions of a model that are to be registered with a tracker, oldest first."""
    if not catalog.models.has(model):
        return []
    tags, found = catalog.acts.tags(model), []
    for record in reversed(catalog.models.versions(model)):
        path = Path(record.path)
        if record.format in tracker.formats and _is_mirrored(path, tracker):
            told = tags.get(record.version, {})
            found.append(VersionInfo(record.version, record.fingerprint, record.run_id, path, record.metrics, told))
    return found


def _is_mirrored(path: Path, tracker: Tracker) -> bool:
    try:
        return tracker.mirrors(read_manifest(path))
    except HooklineError:
        # Of a package that is damaged, or that another machine has, nothing is told.
        return False


def numbers(versions: Iterable[VersionInfo]) -> dict[str, int]:
    """Return fingerprint -> number."""
    return {one.fingerprint: one.version for one in versions}


def settle(
    catalog: Catalog,
    model: str,
    tracker: Tracker,
    versions: list[VersionInfo],
    standing: Standing,
    out: Iterable[Difference],
) -> None:
    """Have a tracker take versions and aliases, and keep what both sides then agree on."""
    sent = {one.alias: one.here for one in out if one.here is not None}
    ours = catalog.models.aliases(model)
    theirs = {**_theirs(standing, numbers(versions)), **sent}
    agreed = dict(standing.agreed) | {alias: number for alias, number in ours.items() if theirs.get(alias) == number}
    tracker.settle(model, versions, sent, agreed)


def _theirs(standing: Standing, known: Mapping[str, int]) -> dict[str, int]:
    by_number = {number: known[print_] for print_, number in standing.versions.items() if print_ in known}
    return {alias: by_number[number] for alias, number in standing.aliases.items() if number in by_number}
