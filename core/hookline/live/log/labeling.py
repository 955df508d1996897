"""The truth told of recorded answers: a table of labels, added as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hookline.errors import UnknownName, UsageError
from hookline.kinds.artifacts import Target
from hookline.kinds.scored import ASIDE
from hookline.packages.state import StoredPackage
from hookline.registry.registry import load_registry
from hookline.runs.names import find
from hookline.workspace.catalog.labels import Key, LabelRecord
from hookline.workspace.workspace import Workspace, open_workspace

from .joining import resolved
from .predictions import Predictions, predictions_in
from .rules import Rules
from .times import span_of
from .told import IDS, Columns, Telling, Told, read_rows, read_told

WITHIN = "1h"
"""How far a record may lie from the time of a label that does not say its id."""


@dataclass(frozen=True)
class Labeled:
    """What became of a table of labels, in rows."""

    model: str
    added: int
    """Of these: new ones, `corrected` and `aside`."""
    corrected: int
    """Say something else than what counted before; both are kept, and the one counts that became true last."""
    aside: int
    """No answer on record is known that they are about; they are kept, and joined when it comes."""
    known: int
    """Were there already."""
    empty: int
    """Hold no value, and tell nothing."""
    zoneless: int
    """Named a time without a zone, which was taken for UTC, or for the zone that was said."""


def label(
    model: str,
    data: Any,
    *,
    by: str = "id",
    time: str | None = None,
    value: str | None = None,
    within: str | timedelta = WITHIN,
    zone: str = "UTC",
    home: str | Path | None = None,
) -> Labeled:
    """Tell what turned out to be true of a model's answers: all rows of a table, or none where one is wrong.

    data: a file, or a polars or pandas frame; value: its column of the truth (default: the target's name)
    by: `id` for a column `prediction_id` or `id` with the ids of predictions; else a raw column of the model, one called `id`
        as `raw.id`: then the record of that value is meant that is nearest to `time`, no further than `within`
    time: the column that says when it became true; zone: what its times are in where they name none, such as Europe/Vienna
    Raises UnknownName, UsageError for what does not fit together, and DataError that names the rows.
    """
    registry, workspace, found = load_registry(), open_workspace(home), find(model, home)
    if found.model is None:
        raise UnknownName("model", model, workspace.catalog.models.names())
    package = StoredPackage(found.folder, registry)
    log = predictions_in(workspace, found.model)
    key = None if by in IDS else _key(found.model, package, by, time, span_of(within, "within"))
    rules = None if key is None else _rules(log, key.column)
    who = by if key is None else key.column
    columns = Columns(who, value or package.target.name, time)
    now = datetime.now(UTC)
    telling = read_told(registry, data, package.target, columns, _zone(zone), now)
    labels = [_record(found.model, told, telling.origin, key, rules, now) for told in telling.rows]
    return _add(workspace, log, telling, labels)


def label_rows(
    workspace: Workspace, model: str, target: Target, rows: Sequence[Mapping[str, Any]], origin: str
) -> Labeled:
    """Tell what turned out to be true of a model's answers by their ids, all of it or none.

    rows: `prediction_id`, `value` and, all of them or none, `time`, which is UTC where it names no zone
    Raises DataError that names the rows.
    """
    now = datetime.now(UTC)
    telling = read_rows(rows, target, origin, now)
    labels = [_record(model, told, origin, None, None, now) for told in telling.rows]
    return _add(workspace, predictions_in(workspace, model), telling, labels)


def _key(model: str, package: StoredPackage, by: str, time: str | None, within: timedelta) -> Key:
    """Return the key that a raw column makes; its value comes with each row."""
    column, name = by.removeprefix(ASIDE), package.roles.id
    known = {*package.schema.names, *([name] if name else [])}
    if column not in known:
        raise UnknownName(f"column of {model}", column, known)
    if time is None:
        raise UsageError(
            f"--by {by} needs --time: one {column} may have many answers",
            hint="--time COLUMN names the column that says when",
        )
    return Key(column, "", within.total_seconds(), names_rows=column == name)


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(f"--zone: '{name}' is no time zone", hint="write one such as Europe/Vienna") from None


def _rules(log: Predictions, column: str) -> Rules:
    """Return the rules of a log; raises UsageError where it does not keep the column that labels go by."""
    rules = Rules.of(log.folder)
    if rules.settings.columns.get(column) == "drop":
        raise UsageError(
            f"the log of {log.model} does not keep '{column}', so no answer is found by it",
            hint="tell the truth by the ids of predictions, or let log.yaml say hash instead of drop",
        )
    return rules


def _record(model: str, told: Told, origin: str, key: Key | None, rules: Rules | None, now: datetime) -> LabelRecord:
    became = told.became or now
    if key is None:
        return LabelRecord(model, told.who, told.value, became, origin)
    # Where the log hashes the column, a label hashes it alike, and the value itself is kept nowhere.
    who = told.who if rules is None else str(rules.value(key.column, told.who))
    own = Key(key.column, who, key.within, key.names_rows)
    return LabelRecord(model, None, told.value, became, origin, own)


def _add(workspace: Workspace, log: Predictions, telling: Telling, labels: Sequence[LabelRecord]) -> Labeled:
    """Add what is not there already, joined with its record where that is known, in one transaction."""
    found = list({_word(one): one for one in resolved(labels, log)}.values())
    about = {one.prediction_id for one in found if one.prediction_id is not None}
    held = resolved(workspace.catalog.labels.about(log.model, about), log)
    counts = {_about(one): one for one in held}
    there = {_word(one) for one in held}
    timed = bool(telling.rows) and telling.rows[0].became is not None
    new = [one for one in found if not (_word(one) in there if timed else _same(counts.get(_about(one)), one))]
    known_ids = log.recorded({one.prediction_id for one in new if one.prediction_id is not None})
    corrected = sum(_about(one) in counts and counts[_about(one)].value != one.value for one in new)
    aside = sum(one.prediction_id not in known_ids for one in new)
    workspace.catalog.labels.add(new)
    known = len(labels) - len(new)
    return Labeled(log.model, len(new), corrected, aside, known, telling.empty, telling.zoneless)


def _about(one: LabelRecord) -> Any:
    """Return which answer a label is about."""
    return one.prediction_id or (one.key, one.became)


def _word(one: LabelRecord) -> Any:
    return _about(one), one.value, one.became


def _same(held: LabelRecord | None, one: LabelRecord) -> bool:
    return held is not None and held.value == one.value
