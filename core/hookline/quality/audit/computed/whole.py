"""Rows of a table by things, such as customers: of a large table those of some things, all rows of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookline.kinds.artifacts import ROW_ID, Split

from ..sides import parts_of

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 1_000_000
"""Rows that are looked at: of a table with more those of some things, since a sum needs all rows of its thing."""
LEAST_THINGS = 10
"""So many things, or more, are drawn where none has too many rows for that."""
TRUTH = "\0truth"
"""The column of the target."""
_PLACE, _ROWS = "\0place", "\0rows"


class Things:
    """The row ids, some columns and the target of all rows, part by part, from which the rows of things are taken."""

    def __init__(self, split: Split, columns: Sequence[str], truth: pl.Series) -> None:
        """Take columns as the parts have them. truth: the target of all rows, in the order of the parts"""
        import polars as pl

        wanted = [*dict.fromkeys([ROW_ID, *columns])]
        self._rows = pl.concat([part.frame.select(wanted) for part in parts_of(split)])
        self._truth = truth
        self._all = self._rows.collect().with_columns(truth.alias(TRUTH)) if len(truth) <= MOST_ROWS else None

    def rows(self, key: str, columns: Sequence[str]) -> pl.DataFrame:
        """Return ROW_ID, the key, some columns and TRUTH of all rows, or all rows of some things: at most MOST_ROWS.

        key: the column that says which thing a row is of; things are drawn at random, those of very many rows last
        """
        import polars as pl

        wanted = [*dict.fromkeys([ROW_ID, key, *columns])]
        if self._all is not None:
            return self._all.select(*wanted, TRUTH)
        things = self._rows.group_by(key).agg(pl.len().alias(_ROWS)).collect(engine="streaming").drop_nulls(key)
        large = pl.when(pl.col(_ROWS) > MOST_ROWS // LEAST_THINGS).then(pl.col(_ROWS)).otherwise(0)
        things = things.filter(pl.col(_ROWS) > 1).sort(large, pl.col(key).hash(0))
        drawn = things.filter(pl.col(_ROWS).cum_sum() <= MOST_ROWS).select(key)
        rows = self._rows.select(wanted).with_row_index(_PLACE).join(drawn.lazy(), on=key, how="semi")
        held = rows.collect(engine="streaming").sort(_PLACE)
        return held.select(pl.exclude(_PLACE), self._truth.gather(held[_PLACE]).alias(TRUTH))
