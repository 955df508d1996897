"""What texts of a file mean: numbers as people write them, dates by their order, and columns as the type that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.data.dates import SHAPE, find_order, read_moments
from hookline.data.numerals import Decimal, Thousands, find, read, said_decimal
from hookline.errors import DataError
from hookline.kinds.artifacts import DateOrder

from ..reading import read_as
from ..stats import value_counts
from ..transforms.checks import some
from .messages import short

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Wording:
    """What somebody has said of how texts write numbers and dates."""

    decimal: Decimal | None = None
    thousands: Thousands | None = None
    date_order: DateOrder | None = None

    @property
    def rereads(self) -> bool:
        """Whether numbers with a point may be meant in thousands, so that they are looked at as texts first."""
        return said_decimal(self.decimal, self.thousands) == ","

    def read(self, frame: pl.LazyFrame, but: Sequence[str]) -> pl.LazyFrame:
        """Return rows with those texts as numbers or datetimes of which every value is one, where anything was said.

        but: columns that are left alone
        """
        import polars as pl

        if self == Wording():
            return frame
        texts = [name for name, dtype in frame.collect_schema().items() if dtype == pl.String and name not in but]
        counted = pl.collect_all([value_counts(frame, name).drop_nulls() for name in texts])
        found = {name: self._meaning(name, counts) for name, counts in zip(texts, counted, strict=True)}
        return frame.with_columns(expr.alias(name) for name, expr in found.items() if expr is not None)

    def typed(self, frame: pl.LazyFrame, dtypes: Mapping[str, str]) -> pl.LazyFrame:
        """Return rows with columns as the types that were asked for; raises DataError naming values that cannot be read so."""
        import polars as pl

        schema = frame.collect_schema()
        typed = frame.with_columns(
            self._as(frame, name, schema[name], dtype).alias(name) for name, dtype in dtypes.items()
        )
        # Every value is looked at here, so that one that cannot be read is not met in the middle of a run.
        before, after = pl.collect_all(
            [rows.select(pl.col(name).null_count() for name in dtypes) for rows in (frame, typed)]
        )
        for name, dtype in dtypes.items():
            if before[name].item() != after[name].item() and not _only_blanks(frame, typed, name):
                raise _unread(frame, typed, name, dtype)
        return typed

    def _meaning(self, name: str, counts: pl.DataFrame) -> pl.Expr | None:
        """Return how a column of texts is read; None where it stays as it is."""
        import polars as pl

        counts = counts.rename({"value": "text"})
        if self.date_order is not None and (dates := find_order(counts)) is not None:
            whole = dates.dates == counts["rows"].sum() and dates.order in (None, self.date_order)
            return read_moments(pl.col(name), self.date_order) if whole else None
        if self.decimal is None and self.thousands is None:
            return None
        found = find(counts, self.decimal, self.thousands)
        pointed = self.rereads and bool(counts["text"].str.contains(".", literal=True).any())
        if (
            found is not None
            and found.numbers == found.of
            and not found.coded
            and (found.disguised or found.blank or pointed)
        ):
            return read(pl.col(name), found.numerals)
        plain = counts["text"].str.strip_chars().cast(pl.Float64, strict=False)
        return pl.col(name).str.strip_chars().cast(pl.Float64) if pointed and not plain.null_count() else None

    def _as(self, frame: pl.LazyFrame, name: str, dtype: pl.DataType, wanted: str) -> pl.Expr:
        import polars as pl

        column = pl.col(name)
        if dtype == pl.String and wanted in ("number", "integer"):
            found = find(_texts(frame, name), self.decimal, self.thousands)
            if found is not None and found.asked:
                raise DataError(
                    f"source.dtypes: '{name}' holds '{found.example}', which may be meant with thousands or with a fraction",
                    ailment="asked_numbers",
                    facts={"column": name},
                )
            if found is None or (not found.disguised and not self.rereads):
                return read_as(column.str.strip_chars(), dtype, wanted)
            number = read(column, found.numerals)
            return number if wanted == "number" else number.cast(pl.Int64, strict=False)
        if dtype == pl.String and wanted in ("datetime", "date"):
            moments = read_moments(column, self.date_order or _order_of(frame, name))
            return moments if wanted == "datetime" else moments.dt.date()
        return read_as(column, dtype, wanted)


def order_of_dates(texts: pl.LazyFrame, name: str) -> DateOrder | None:
    """Return the order that a column's dates tell; None where they do not, or the year stands first."""
    import polars as pl

    if not texts.select(pl.col(name).drop_nulls().head(1).str.contains(SHAPE).any()).collect().item():
        return None
    dates = find_order(_texts(texts, name))
    return None if dates is None else dates.order


def _order_of(frame: pl.LazyFrame, name: str) -> DateOrder | None:
    """Return the order that a column's dates tell; raises DataError where it must be asked."""
    dates = find_order(_texts(frame, name))
    if dates is None or dates.order is not None:
        return None if dates is None else dates.order
    raise DataError(
        f"source.dtypes: '{name}' holds dates such as '{dates.example}', in which the day or the month may stand first",
        ailment="asked_dates",
        facts={"column": name},
    )


def _texts(frame: pl.LazyFrame, name: str) -> pl.DataFrame:
    return value_counts(frame, name).drop_nulls().collect().rename({"value": "text"})


def _only_blanks(frame: pl.LazyFrame, typed: pl.LazyFrame, name: str) -> bool:
    return all(isinstance(value, str) and not value.strip() for value in _lost(frame, typed, name))


def _lost(frame: pl.LazyFrame, typed: pl.LazyFrame, name: str) -> list[Any]:
    """Return the different values that a type has no place for."""
    import polars as pl

    raw, read_so = pl.collect_all([rows.select(name) for rows in (frame, typed)])
    lost = raw[name].filter(read_so[name].is_null() & raw[name].is_not_null())
    values: list[Any] = lost.unique(maintain_order=True).to_list()
    return values


def _unread(frame: pl.LazyFrame, typed: pl.LazyFrame, name: str, dtype: str) -> DataError:
    return DataError(
        f"source.dtypes: '{name}' holds {short(some(_lost(frame, typed, name)))}, which cannot be read as {dtype}",
        ailment="unread_values",
        facts={"column": name, "type": dtype},
    )
