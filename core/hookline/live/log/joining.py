"""Labels joined with the records that they are about: by id, or by a column's value near a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hookline.workspace.catalog.labels import Key, LabelRecord
from hookline.workspace.workspace import Workspace

from ..segments.moments import time_of
from .predictions import Predictions


@dataclass(frozen=True)
class Truths:
    """What counts as true of a model's answers."""

    by_id: Mapping[str, LabelRecord]
    """By their ids, whether they are on record here or not."""
    homeless: int
    """Labels that no record is found for by their key."""


def truths(workspace: Workspace, log: Predictions) -> Truths:
    """Return what counts as true of a model's answers, also of those that `log` leaves out.

    Of several labels of a record the one counts that became true last, and of those the one that was added last. Labels of
    which no record was known when they were added are looked for in the log again.
    """
    told = resolved(workspace.catalog.labels.of(log.model), log)
    by_id = {label.prediction_id: label for label in told if label.prediction_id is not None}
    return Truths(by_id, sum(label.prediction_id is None for label in told))


def resolved(labels: Sequence[LabelRecord], log: Predictions) -> list[LabelRecord]:
    """Return labels, each of a key with the id of the record in the log that it is about; None stays where there is none."""
    open_ones = [label for label in labels if label.prediction_id is None and label.key is not None]
    found = (
        nearest([(label.key, label.became) for label in open_ones if label.key], everything(log)) if open_ones else []
    )
    ids = iter(found)
    return [
        replace(label, prediction_id=next(ids)) if label.prediction_id is None and label.key else label
        for label in labels
    ]


def everything(log: Predictions) -> Predictions:
    """Return the log of all times and versions: a nearer record may stand outside what was asked for."""
    return Predictions(log.model, log.folder)


def nearest(keys: Sequence[tuple[Key, datetime]], records: Iterable[Mapping[str, Any]]) -> list[str | None]:
    """Return for each key the id of the record of its value whose time is nearest to its own, within its bound; else None.

    Of two that are as near, the earlier in the log is taken.
    """
    places: dict[tuple[str, bool], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, (key, _) in enumerate(keys):
        places[key.column, key.names_rows][key.value].append(place)
    found: list[tuple[float, str | None]] = [(key.within, None) for key, _ in keys]
    for record in records:
        for (column, names_rows), values in places.items():
            for place in values.get(_value(record, column, names_rows=names_rows), ()):
                apart = abs((time_of(record) - keys[place][1]).total_seconds())
                bound, held = found[place]
                if apart < bound or (apart == bound and held is None):
                    found[place] = (apart, str(record["id"]))
    return [name for _, name in found]


def _value(record: Mapping[str, Any], column: str, *, names_rows: bool) -> str:
    value = record["row"].get(column)
    value = record.get("row_id") if value is None and names_rows else value
    return "" if value is None else as_key(value)


def as_key(value: Any) -> str:
    """Return a value as labels and records are compared by it: 7, 7.0 and the text 7 are the same."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
