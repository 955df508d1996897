"""What the catalog knows of labels: what turned out to be true of recorded answers, who said so, and when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import Label

from .sql.database import Database
from .sql.values import data_of, text_of, utc

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import RowMapping

AT_ONCE = 10_000
MOST_NAMED = 500
"""Ids in one query, of which a database takes so many."""
LONGEST_ID = 255
"""Letters of a prediction's id that the table holds."""


@dataclass(frozen=True)
class Key:
    """Which record a label is about where it does not say its id: of a raw column's value, near a time."""

    column: str
    value: str
    within: float
    """Seconds that may lie between the record and when the label became true."""
    names_rows: bool = False
    """Whether the column is that of the id, whose value may stand beside the row."""


@dataclass(frozen=True)
class LabelRecord:
    """What was true of one answer, as it was told once."""

    model: str
    prediction_id: str | None
    """The record that it is about; None while none with its key is known."""
    value: Label
    became: datetime
    """When it became true, UTC; when it was added, where nobody said."""
    origin: str
    """Where it was read."""
    key: Key | None = None
    added: datetime | None = None
    """None until it is in the catalog."""


class Labels:
    """Labels in a catalog; one is added, and none is ever changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._labels = database.tables["labels"]

    def add(self, labels: Sequence[LabelRecord]) -> None:
        """Add labels, all of them or none."""
        if labels:
            # By the clock that policies come into force by.
            added = self._database.clock()
            with self._database.writing() as connection:
                connection.execute(self._labels.insert(), [_row(label, added) for label in labels])

    def has_new(self, model: str, since: datetime | None) -> bool:
        """Tell whether a label of a model was added from a time on; None: ever."""
        table = self._labels
        query = table.select().where(table.c.model == model)
        return self._database.first(query if since is None else query.where(table.c.added >= since)) is not None

    def about(self, model: str, ids: Collection[str]) -> list[LabelRecord]:
        """Return a model's labels that are about these ids, and those of which no id is known.

        Each comes after those that it stands above: by when it became true, then as they were added.
        """
        table, names = self._labels, sorted(ids)
        some = [names[place : place + MOST_NAMED] for place in range(0, len(names), MOST_NAMED)]
        wanted = [table.c.prediction_id.is_(None), *(table.c.prediction_id.in_(part) for part in some)]
        queries = [table.select().where(table.c.model == model).where(one) for one in wanted]
        rows = [row for query in queries for row in self._database.rows(query)]
        return [_record(row) for row in sorted(rows, key=lambda row: (utc(row["became"]), row["id"]))]

    def last(self, model: str, before: datetime | None = None) -> int:
        """Return the number of the newest label of a model, of those that were added before a time; 0 where there is none."""
        from sqlalchemy import func, select

        labels = self._labels
        query = select(func.max(labels.c.id)).where(labels.c.model == model)
        query = query if before is None else query.where(labels.c.added < before)
        with self._database.reading() as connection:
            return connection.execute(query).scalar() or 0

    def table(self, model: str, upto: int | None = None) -> pl.DataFrame:
        """Return all labels of a model in the same order: label (its number), prediction_id, key and value (JSON), became (UTC).

        No label is ever a Python value. upto: only those that are numbered up to here
        """
        import polars as pl
        from sqlalchemy import select

        labels, text = self._labels, pl.String()
        columns = {"label": pl.Int64(), "prediction_id": text, "key": text, "value": text}
        schema: dict[str, pl.DataType] = {**columns, "became": pl.Datetime("us", "UTC")}
        named = [labels.c[name] for name in ("id", "prediction_id", "key", "value", "became")]
        query = select(*named).where(labels.c.model == model).order_by(labels.c.became, labels.c.id)
        query = query if upto is None else query.where(labels.c.id <= upto)
        parts = [pl.DataFrame(schema=schema)]
        with self._database.reading() as connection:
            found = connection.execution_options(yield_per=AT_ONCE).execute(query)
            for some in found.partitions():
                rows = [(*row[:-1], utc(row[-1])) for row in some]
                parts.append(pl.DataFrame(rows, schema, orient="row"))
        return pl.concat(parts)


def _row(label: LabelRecord, added: datetime) -> dict[str, Any]:
    return {
        "model": label.model,
        "prediction_id": label.prediction_id,
        "key": None if label.key is None else text_of(asdict(label.key)),
        "value": text_of(label.value),
        "origin": label.origin,
        "became": label.became,
        "added": added,
    }


def _record(row: RowMapping) -> LabelRecord:
    return LabelRecord(
        row["model"],
        row["prediction_id"],
        data_of(row["value"]),
        utc(row["became"]),
        row["origin"],
        None if row["key"] is None else Key(**data_of(row["key"])),
        utc(row["added"]),
    )
