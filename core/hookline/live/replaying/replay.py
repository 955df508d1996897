"""The prediction log played through a version that did not answer it: what would have been answered otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError, HooklineError
from hookline.kinds.artifacts import Dataset, Target
from hookline.kinds.deployments import Trust
from hookline.kinds.fitted import Prediction
from hookline.kinds.scored import Scored
from hookline.packages.loading import LoadedPackage, load_package
from hookline.packages.state import StoredPackage
from hookline.quality.judging import numbers_of
from hookline.registry.registry import Registry
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import Workspace

from ..log.joining import truths
from ..log.predictions import Moment, Predictions, predictions_in
from ..records import Records
from ..segments.moments import time_of
from .asking import Asked, Refusal, ask, times_alone
from .changes import Changes, Pair, changes_of, is_same

if TYPE_CHECKING:
    import numpy as np

MOST_READ = 8
"""The log is read so many times the records wanted, where many of them are not of the sort that is wanted."""


@dataclass(frozen=True)
class Quality:
    """How right the answers were, and the version's would have been, of records whose truth is known."""

    rows: int
    metrics: tuple[tuple[str, float, float], ...]
    """Name, of the answers that were given, and of the version's."""
    mended: int | None
    """Rows that the version gets right and that were answered wrong; None of numbers."""
    spoiled: int | None
    """Rows that were answered right and that it gets wrong."""


@dataclass(frozen=True)
class Speed:
    """How long a row takes, in seconds, without HTTP: among many; alone, half of them, and all but a hundredth."""

    together: float
    alone_p50: float
    alone_p99: float


@dataclass(frozen=True)
class Replay:
    """What a version would have answered to what was asked lately."""

    model: str
    version: int
    records: int
    """Answers of other versions on record that were played, the newest."""
    own: int
    """Answers among them on record that it gave itself, and that were left out."""
    begin: datetime | None
    end: datetime | None
    refused: int
    refusals: tuple[Refusal, ...]
    whole: bool
    """Whether all were played: so many may be refused that it is not gone on."""
    changes: Changes | None
    """None where no row was answered, or where the version predicts something of another sort."""
    quality: Quality | None
    """None where the truth of no row is known."""
    speed: Speed | None
    unlike: tuple[int, int]
    """Rows that are unlike the training data of who answered, and of the version."""
    notes: tuple[str, ...] = ()


def replay(
    workspace: Workspace,
    registry: Registry,
    record: ModelRecord,
    since: Moment,
    limit: int,
    trust: Trust | None = None,
) -> Replay:
    """Play the newest records of a model's log through one of its versions; holds `limit` of them.

    Raises UsageError for what is no time, and what loading the package raises.
    """
    log = predictions_in(workspace, record.name, since)
    found, own = newest_of(log, limit, record.version)
    if not found:
        return Replay(record.name, record.version, 0, own, None, None, 0, (), True, None, None, None, (0, 0))
    package = load_package(Path(record.path), registry, trust)
    asked = ask(package.predictor, [one["row"] for one in found])
    played = found[: asked.looked]
    target = package.target
    notes = list(_other_targets(workspace, registry, record, target, played))
    answered = [found[place] for place in asked.taken]
    now = asked.answers() if asked.taken else None
    then, why_not = _given(answered, target)
    notes += [why_not] if why_not else []
    changes = quality = None
    if now is not None and then is not None:
        pairs = pairs_of(answered, now)
        changes = changes_of(pairs, asked.frame, package.schema.columns, target)
        quality = _quality(workspace, registry, log, package, answered, asked, (then, now), notes)
    times = [time_of(played[-1]), time_of(played[0])]
    return Replay(
        model=record.name,
        version=record.version,
        records=len(played),
        own=own,
        begin=times[0],
        end=times[1],
        refused=len(asked.refused),
        refusals=asked.refusals(),
        whole=asked.looked == len(found),
        changes=changes,
        quality=quality,
        speed=_speed(package, asked),
        unlike=(sum(bool(one.get("warnings")) for one in answered), 0 if now is None else len(now.warnings)),
        notes=tuple(notes),
    )


def newest_of(log: Predictions, limit: int, version: int) -> tuple[list[Mapping[str, Any]], int]:
    """Return the newest answers that other versions gave, newest first, and how many of its own were passed over.

    What a shadow answered was given to nobody, what a table was answered says nothing of live traffic, and a record whose
    row was not kept cannot be played.
    """
    wanted, live = limit, replace(log, given=True, served=True)
    while True:
        found = live.newest(wanted)
        rest = [one for one in found if one["version"] != version]
        others = [one for one in rest if one["row"]]
        if len(others) >= limit or len(found) < wanted or wanted >= MOST_READ * limit:
            return others[:limit], len(found) - len(rest)
        wanted *= 2


def pairs_of(records: Sequence[Mapping[str, Any]], now: Prediction) -> list[Pair]:
    """Return records with what a version answers to their rows."""
    values = now.values.tolist()
    shares = [None] * len(values) if now.probabilities is None else now.probabilities.tolist()
    return [
        Pair(
            str(one["id"]),
            time_of(one),
            one["row"],
            one["prediction"],
            values[place],
            one.get("probabilities"),
            shares[place],
        )
        for place, one in enumerate(records)
    ]


def _given(records: Sequence[Mapping[str, Any]], target: Target) -> tuple[Prediction | None, str]:
    """Return what was answered, as the version's target has it; None where it is of another sort, and then why."""
    if not records:
        return None, ""
    if target.task != "regression" and any(one.get("probabilities") is None and _is_number(one) for one in records):
        known = set(map(str, target.classes))
        if not any(str(one["prediction"]) in known for one in records):
            return None, f"the answers on record are numbers, and the version tells classes of {target.name} apart"
    try:
        return Records(tuple(records)).answers(target), ""
    except DataError as error:
        return None, error.message


def _is_number(record: Mapping[str, Any]) -> bool:
    return isinstance(record["prediction"], float)


def _other_targets(
    workspace: Workspace, registry: Registry, record: ModelRecord, target: Target, records: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Say of each version that answered in what it predicts something else than the one that is asked now."""
    told = []
    for version in sorted({one["version"] for one in records if one["version"] is not None}):
        try:
            path = Path(workspace.catalog.models.get(record.name, version).path)
            other = StoredPackage(path, registry).target
        except HooklineError as error:
            told.append(f"the target of v{version}, which answered, cannot be compared: {error.message}")
            continue
        if (other.name, other.task) != (target.name, target.task):
            told.append(
                f"v{record.version} predicts {target.name} ({target.task}), and v{version} {other.name} ({other.task})"
            )
        elif other.classes != target.classes:
            classes = [", ".join(map(str, one.classes[:10])) for one in (target, other)]
            told.append(f"v{record.version} tells the classes {classes[0]} apart, and v{version} {classes[1]}")
    return told


def _quality(
    workspace: Workspace,
    registry: Registry,
    log: Predictions,
    package: LoadedPackage,
    records: Sequence[Mapping[str, Any]],
    asked: Asked,
    answers: tuple[Prediction, Prediction],
    notes: list[str],
) -> Quality | None:
    """Return the quality of both answers on the records whose truth labels tell."""
    import numpy as np

    known = truths(workspace, log).values([one["id"] for one in records])
    places = [place for place, one in enumerate(records) if known.get(one["id"]) is not None]
    if not places:
        return None
    labels = [known[records[place]["id"]] for place in places]
    truth = np.array(labels, dtype=np.float64 if package.target.task == "regression" else None)
    frame = asked.frame
    assert frame is not None
    rows = Dataset(frame[places].lazy(), package.roles, log.model, package.target)
    held = [_at(one, places) for one in answers]
    try:
        told = [numbers_of(registry, Scored.of(rows, one, package.target, truth)) for one in held]
    except DataError as error:
        notes.append(f"the labels could not be judged by: {error.message}")
        return None
    names = [name for name in told[0] if name in told[1]]
    right = None if package.target.task == "regression" else [_right(one.values, labels) for one in held]
    return Quality(
        len(places),
        tuple((name, told[0][name], told[1][name]) for name in names),
        None if right is None else int((~right[0] & right[1]).sum()),
        None if right is None else int((right[0] & ~right[1]).sum()),
    )


def _at(prediction: Prediction, places: Sequence[int]) -> Prediction:
    shares = None if prediction.probabilities is None else prediction.probabilities[places]
    return Prediction(prediction.values[places], shares, prediction.classes)


def _right(values: np.ndarray, truth: Sequence[Any]) -> np.ndarray:
    import numpy as np

    return np.array([is_same(value, label) for value, label in zip(values.tolist(), truth, strict=True)])


def _speed(package: LoadedPackage, asked: Asked) -> Speed | None:
    import numpy as np

    if asked.frame is None:
        return None
    alone = times_alone(package.predictor, asked.frame)
    return Speed(asked.seconds / len(asked.taken), float(np.quantile(alone, 0.5)), float(np.quantile(alone, 0.99)))
