"""Datetimes and dates as calendar parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hookline import Dataset
from hookline.errors import ExportError

from ...stats import one_row
from .base import ColumnEncoding, RawColumn, version_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Part = Literal["year", "month", "day", "weekday", "hour", "minute", "ordinal_day"]
PARTS: tuple[Part, ...] = ("year", "month", "day", "weekday", "hour")
FIRST_YEAR = 2000
"""Years are counted from this one: a linear model would lose in float32 what a weight times 2,026 rounds away."""


@dataclass(frozen=True, kw_only=True)
class DatetimeEncoding(ColumnEncoding):
    """Calendar `parts` as numbers; missing ones are `default`, or NaN where that is empty."""

    how: Literal["datetime"] = "datetime"
    parts: tuple[Part, ...] = ()
    default: tuple[float, ...] = ()
    time_zone: str | None = None

    @classmethod
    def fit(
        cls,
        columns: Sequence[RawColumn],
        train: Dataset,
        *,
        parts: tuple[Part, ...],
        with_means: bool,
        indicators: bool,
    ) -> dict[str, DatetimeEncoding]:
        """Learn the time zone of each column and, where asked, the mean of each part, which a missing one then becomes."""
        import polars as pl

        zones = {column.name: getattr(column.dtype, "time_zone", None) for column in columns}
        exprs = [pl.col(name).null_count().alias(f"{name}\0missing") for name in zones if indicators]
        exprs += [
            _part(pl.col(name), part, zone).cast(pl.Float64).mean().alias(f"{name}\0{part}")
            for name, zone in zones.items()
            for part in (parts if with_means else ())
        ]
        stats = one_row(train.frame, exprs)
        found = {}
        for name, zone in zones.items():
            means = tuple(stats[f"{name}\0{part}"] for part in parts if with_means)
            default = tuple(map(float, means)) if None not in means else ()
            marked = indicators and bool(stats[f"{name}\0missing"])
            found[name] = cls(column=name, parts=parts, default=default, time_zone=zone, indicator=marked)
        return found

    @property
    def size(self) -> int:
        """A column a part."""
        return len(self.parts)

    def described(self) -> Iterable[tuple[str, str, str]]:
        """Return a feature a part."""
        version = version_of(self.how, has_default=bool(self.default), time_zone=self.time_zone)
        for part in self.parts:
            told = f"{self.column}.{part}" + (f" - {FIRST_YEAR}" if part == "year" else "")
            yield f"{self.column}.{part}", told, version

    def read(self, column: pl.Expr) -> list[pl.Expr]:
        """Return the parts."""
        import polars as pl

        return [
            _part(column, part, self.time_zone).cast(pl.Float32).fill_null(value)
            for part, value in zip(self.parts, self._absent(), strict=True)
        ]

    def write(self, rows: pl.DataFrame, X: np.ndarray) -> None:
        """Copy the parts."""
        for i in range(self.size):
            X[:, i] = self.collected(rows, i).to_numpy()

    @classmethod
    def onnx_blocks(cls, encodings: Sequence[DatetimeEncoding], inputs: Mapping[str, Any]) -> list[Any]:
        """Say each part as a column; raises ExportError for local time zones, which ONNX has no words for."""
        return [block for encoding in encodings for block in encoding.columns(inputs[encoding.column])]

    def columns(self, column: Any) -> list[Any]:
        """Say it as ONNX: a float32 column a part; raises ExportError for a local time zone."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        from ...onnx import integer, is_missing
        from ..calendar_onnx import calendar_parts

        if self.time_zone not in (None, "UTC"):
            raise ExportError(
                f"the parts of '{self.column}' are in time zone {self.time_zone}, which cannot be said in ONNX",
                hint="convert it to UTC at the source, or packager=[skops]",
            )
        missing = is_missing(column)
        parts = calendar_parts(op.where(missing, integer(0), column))
        parts["year"] = op.sub(parts["year"], integer(FIRST_YEAR))
        return [
            op.where(missing, op.const(np.float32(value)), op.cast(parts[part], to=np.float32))
            for part, value in zip(self.parts, self._absent(), strict=True)
        ]

    def _absent(self) -> tuple[float, ...]:
        return self.default or (float("nan"),) * self.size


def _part(column: pl.Expr, part: Part, time_zone: str | None) -> pl.Expr:
    import polars as pl

    # A date has no hour of its own; a moment in a time zone has, and a cast would move it to UTC.
    moment = column.cast(pl.Datetime("us")) if part in ("hour", "minute") and not time_zone else column
    value = {
        "year": moment.dt.year,
        "month": moment.dt.month,
        "day": moment.dt.day,
        "weekday": moment.dt.weekday,
        "hour": moment.dt.hour,
        "minute": moment.dt.minute,
        "ordinal_day": moment.dt.ordinal_day,
    }[part]()
    return value - FIRST_YEAR if part == "year" else value
