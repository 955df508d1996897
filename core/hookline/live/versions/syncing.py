"""A model and a tracker's registry held side by side, and brought in step both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hookline.errors import StoreError, UnknownName, UsageError
from hookline.kinds.tracking.tracker import Tracker
from hookline.packages.manifest import verify
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.models import CHAMPION
from hookline.workspace.workspace import open_workspace

from ..deploying.promoting import put_in_charge
from ..mirroring.agreeing import Difference, differences
from ..mirroring.pushing import gone, numbers, settle, sides, trackers_at


@dataclass(frozen=True)
class Sent:
    """What became of runs that waited to be told to a tracker. problem: why some still wait; empty where none does"""

    taken: tuple[str, ...]
    waiting: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True)
class Synced:
    """How a model stands on both sides.

    place: what the tracker is called; registered: versions that are new there; deleted: those that were deleted here,
    and that it had until then; found: aliases that were other there than here
    """

    model: str
    tracker: str
    place: str
    registered: tuple[int, ...]
    deleted: tuple[int, ...]
    found: tuple[Difference, ...]
    done: bool
    """Whether what could be done was done; False where it was only looked."""

    @property
    def is_in_step(self) -> bool:
        """Whether no alias is left that differs."""
        return not self.found or (self.done and all(one.way != "stuck" for one in self.found))


def sync_model(
    model: str,
    *,
    tracker: str | None = None,
    prefer: Literal["here", "there"] | None = None,
    look: bool = False,
    reason: str = "",
    who: str | None = None,
    home: str | Path | None = None,
) -> Synced:
    """Bring a model's versions and aliases in step with a tracker's registry, and return what differed and which way it went.

    An alias that was moved on one side since both were last in step follows that side; what it makes of the model here is on
    record with who asked and why. One that both have moved stays until `prefer` says whose word counts.
    tracker: its name, such as `mlflow`, where `settings.yaml` in the home names several; look: only say what differs
    Raises UnknownName, UsageError where nothing is to be kept in step, and StoreError where the tracker cannot be reached, or
    the package of a version that an alias is to be moved to is damaged.
    """
    workspace = open_workspace(home)
    if not workspace.catalog.models.deleted_of(model):
        workspace.catalog.models.require_known(model)
    with trackers_at(workspace.home) as known:
        name, chosen = _chosen(known, tracker)
        return _synced(workspace.catalog, model, name, chosen, prefer, look=look, reason=reason, who=who)


def send_runs(*, timeout: float | None = None, home: str | Path | None = None) -> dict[str, Sent]:
    """Send the runs that trackers have not taken yet, in order, and return by tracker which were taken and which still wait.

    timeout: seconds for each tracker; None: as its settings say
    """
    found = {}
    with trackers_at(open_workspace(home).home) as known:
        for name, tracker in known.items():
            before, problem = tracker.waiting(), ""
            try:
                tracker.send(timeout)
            except StoreError as error:
                problem = error.message
            left = tracker.waiting()
            found[name] = Sent(tuple(one for one in before if one not in left), tuple(left), problem)
    return found


def _how_to_register(model: str, tracker: Tracker) -> str:
    """Say how a version comes to be one that a tracker registers, in the words of whichever tracker it is."""
    form = next(iter(tracker.formats), None)
    if form is None:
        return "it takes no format that this hookline writes"
    return f"hookline package {model} --to {form}, with what `hookline components show packager {form}` says of registering"


def _synced(
    catalog: Catalog,
    model: str,
    name: str,
    chosen: Tracker,
    prefer: Literal["here", "there"] | None,
    *,
    look: bool,
    reason: str,
    who: str | None,
) -> Synced:
    standing, versions = sides(catalog, model, chosen)
    ended = tuple(sorted(gone(catalog, model, standing).values()))
    if not versions and not ended:
        raise UsageError(
            f"no version of '{model}' is to be registered with {chosen.place}",
            hint=_how_to_register(model, chosen),
        )
    found = differences(catalog.models.aliases(model), standing, numbers(versions), prefer)
    new = tuple(one.version for one in versions if one.fingerprint not in standing.versions)
    made = Synced(model, name, chosen.place, new, ended, tuple(found), done=False)
    if look:
        return made
    for one in found:
        if one.way == "in":
            _take(catalog, model, one, chosen.place, reason, who)
    stay = settle(catalog, model, chosen, versions, standing, [one for one in found if one.way == "out"])
    return replace(made, deleted=tuple(one for one in ended if one not in stay), done=True)


def _take(catalog: Catalog, model: str, one: Difference, place: str, reason: str, who: str | None) -> None:
    """Move an alias here as it was moved there, on record."""
    before = "none" if one.here is None else f"v{one.here}"
    why = f"{one.why}, {before} -> v{one.there}, at {place}" + (f": {reason}" if reason else "")
    assert one.there is not None
    record = catalog.models.get(model, one.there)
    # Whoever moved it there saw no file of the package here.
    verify(Path(record.path))
    if one.alias == CHAMPION:
        put_in_charge(catalog, record, why, who)
    else:
        catalog.models.set_alias(record.name, one.alias, record.version, why, who)


def _chosen(known: Mapping[str, Tracker], name: str | None) -> tuple[str, Tracker]:
    if not known:
        raise UsageError(
            "no tracker is named",
            hint="in settings.yaml of the home, such as `mlflow: {enabled: true, tracking_uri: ...}`",
        )
    if name is None and len(known) == 1:
        return next(iter(known.items()))
    if name is None:
        raise UsageError("several trackers are named", hint=f"say which: --with {' or '.join(known)}")
    if name not in known:
        raise UnknownName("tracker", name, list(known))
    return name, known[name]
