"""Labels joined with the records that they are about: by id, or by a column's value near a time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import Label
from hookline.workspace.catalog.labels import Key, LabelRecord
from hookline.workspace.workspace import Workspace

from ..segments.moments import time_of
from .predictions import Predictions
from .rules import as_key, known_hash

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Truths:
    """What counts as true of a model's answers."""

    table: pl.DataFrame
    """`prediction_id`, each once, whether it is on record here or not; `value` (JSON); `became` (UTC); `first`, the number
    of the first label that told it."""
    homeless: int
    """Labels that no record is found for by their key."""

    def of(self, name: str) -> tuple[Label, datetime] | None:
        """Return what was true of an answer, and since when."""
        import polars as pl

        found = self.table.filter(pl.col("prediction_id") == name).select("value", "became").rows()
        return (json.loads(found[0][0]), found[0][1]) if found else None

    def values(self, names: Sequence[str]) -> dict[str, Label]:
        """Return what was true of some answers, by their ids; those of which nothing is known are left out."""
        import polars as pl

        asked = pl.DataFrame({"prediction_id": names}, schema={"prediction_id": pl.String})
        found = self.table.join(asked.unique(), on="prediction_id", how="semi").select("prediction_id", "value").rows()
        return {name: json.loads(value) for name, value in found}


def truths(workspace: Workspace, log: Predictions, upto: int | None = None) -> Truths:
    """Return what counts as true of a model's answers, also of those that `log` leaves out.

    Of several labels of a record the one counts that became true last, and of those the one that was added last. Labels of
    which no record was known when they were added are looked for in the log again. upto: the number of the last that counts
    """
    import polars as pl

    told = workspace.catalog.labels.table(log.model, upto)
    keyed = told.filter(pl.col("prediction_id").is_null() & pl.col("key").is_not_null())
    if not keyed.is_empty():
        keys = [(Key(**json.loads(key)), became) for key, became in keyed.select("key", "became").rows()]
        found = pl.Series("found", nearest(keys, log), dtype=pl.String)
        told = told.join(keyed.select("label", found), on="label", how="left", maintain_order="left")
        told = told.with_columns(pl.coalesce("prediction_id", "found").alias("prediction_id"))
    known = told.drop_nulls("prediction_id").with_columns(pl.col("label").min().over("prediction_id").alias("first"))
    known = known.unique("prediction_id", keep="last", maintain_order=True)
    return Truths(known.select("prediction_id", "value", "became", "first"), told["prediction_id"].null_count())


def resolved(labels: Sequence[LabelRecord], log: Predictions) -> list[LabelRecord]:
    """Return labels, each of a key with the id of the record in the log that it is about; None stays where there is none."""
    open_ones = [label for label in labels if label.prediction_id is None and label.key is not None]
    found = nearest([(label.key, label.became) for label in open_ones if label.key], log)
    ids = iter(found)
    return [
        replace(label, prediction_id=next(ids)) if label.prediction_id is None and label.key else label
        for label in labels
    ]


def everything(log: Predictions) -> Predictions:
    """Return all answers that were given, at any time by any version: a nearer one may stand outside what was asked for."""
    return Predictions(log.model, log.folder, given=True)


def nearest(keys: Sequence[tuple[Key, datetime]], log: Predictions) -> list[str | None]:
    """Return for each key the id of the record of its value whose time is nearest to its own, within its bound; else None.

    Of two that are as near, the earlier in the log is taken.
    """
    places: dict[tuple[str, bool], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, (key, _) in enumerate(keys):
        places[key.column, key.names_rows][key.value].append(place)
    rules = known_hash(log.folder)
    if rules is not None:
        # A rule may have come, or gone, between the record and its label.
        for values in places.values():
            values.update({rules.hashed(value): held for value, held in list(values.items())})
    found: list[tuple[float, str | None]] = [(key.within, None) for key, _ in keys]
    for record in _around(keys, log):
        for (column, names_rows), values in places.items():
            value = _value(record, column, names_rows=names_rows)
            meant = values.get(value) or (values.get(rules.hashed(value)) if rules is not None and value else None)
            for place in meant or ():
                apart = abs((time_of(record) - keys[place][1]).total_seconds())
                bound, held = found[place]
                if apart < bound or (apart == bound and held is None):
                    found[place] = (apart, str(record["id"]))
    return [name for _, name in found]


def _around(keys: Sequence[tuple[Key, datetime]], log: Predictions) -> Iterable[Mapping[str, Any]]:
    """Return the records that are near enough to any of the keys, of all versions."""
    if not keys:
        return ()
    widest = timedelta(seconds=max(key.within for key, _ in keys))
    times = [became for _, became in keys]
    try:
        return replace(everything(log), since=min(times) - widest, until=max(times) + widest + timedelta(seconds=1))
    except OverflowError:
        return everything(log)


def _value(record: Mapping[str, Any], column: str, *, names_rows: bool) -> str:
    value = record["row"].get(column)
    value = record.get("row_id") if value is None and names_rows else value
    return "" if value is None else as_key(value)
