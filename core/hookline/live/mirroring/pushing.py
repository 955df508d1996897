"""What a home knows of a model, told to a tracker: its versions, those that were deleted, and aliases moved here alone."""

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
    """Register what is to be there, delete what is here no more, and set the aliases that were moved here alone.

    Returns the aliases that stay different. Raises StoreError where the tracker cannot be reached.
    """
    standing, versions = sides(workspace.catalog, model, tracker)
    if not versions and not gone(workspace.catalog, model, standing):
        return []
    found = differences(workspace.catalog.models.aliases(model), standing, numbers(versions))
    settle(workspace.catalog, model, tracker, versions, standing, [one for one in found if one.way == "out"])
    left = [one for one in found if one.way != "out"]
    if moved := [one for one in left if one.way == "in"]:
        told = ", ".join(f"{one.alias} to v{one.there}" for one in moved)
        log.warning("%s moved %s of %s: hookline models sync %s", tracker.place, told, model, model)
    return left


def sides(catalog: Catalog, model: str, tracker: Tracker) -> tuple[Standing, list[VersionInfo]]:
    """Return how a model stands with a tracker, and the versions that are registered there or to be, oldest first.

    A tracker is not asked where nothing could be there; raises StoreError where it cannot be reached.
    """
    # Of a model whose last version was deleted there may be some left with the tracker.
    left = catalog.models.versions(model) if catalog.models.has(model) else []
    held = [one for one in reversed(left) if one.format in tracker.formats]
    wanted = {one.fingerprint: _is_mirrored(Path(one.path), tracker) for one in held}
    if not catalog.models.deleted_of(model, tracker.formats) and not any(said is not False for said in wanted.values()):
        return Standing(), []
    standing, tags = tracker.standing(model), catalog.acts.tags(model)
    return standing, [
        VersionInfo(one.version, one.fingerprint, one.run_id, Path(one.path), one.metrics, tags.get(one.version, {}))
        for one in held
        if wanted[one.fingerprint] or one.fingerprint in standing.versions
    ]


def _is_mirrored(path: Path, tracker: Tracker) -> bool | None:
    """Tell whether a package says that its version is to be registered; None of one that is damaged, or elsewhere."""
    try:
        return tracker.mirrors(read_manifest(path))
    except HooklineError:
        return None


def gone(catalog: Catalog, model: str, standing: Standing) -> dict[str, int]:
    """Return fingerprint -> number of the versions that a tracker has, and that were deleted here."""
    return {
        print_: number for print_, number in catalog.models.deleted_of(model).items() if print_ in standing.versions
    }


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
) -> set[int]:
    """Have a tracker take versions and aliases, keep what both sides then agree on, and delete what was deleted here.

    Returns the versions that were deleted here alone, since an alias there points to them, and warns of them.
    """
    ended = gone(catalog, model, standing)
    sent = {one.alias: one.here for one in out if one.here is not None}
    ours = catalog.models.aliases(model)
    theirs = {**_theirs(standing, numbers(versions)), **sent}
    agreed = dict(standing.agreed) | {alias: number for alias, number in ours.items() if theirs.get(alias) == number}
    stay = {ended[print_] for print_ in tracker.settle(model, versions, sent, agreed, [*ended])}
    for version in sorted(stay):
        log.warning("v%d of %s stays in %s, where an alias points to it", version, model, tracker.place)
    return stay


def _theirs(standing: Standing, known: Mapping[str, int]) -> dict[str, int]:
    by_number = {number: known[print_] for print_, number in standing.versions.items() if print_ in known}
    return {alias: by_number[number] for alias, number in standing.aliases.items() if number in by_number}
