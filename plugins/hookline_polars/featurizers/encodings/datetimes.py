"""Datetimes and dates as calendar parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import repeat
from typing import TYPE_CHECKING, Any, Literal, Self

from hookline import Dataset

from ...stats import one_row, weight_of
from .base import ColumnEncoding, RawColumn, version_of
from .numbers import STATS, Scaling, center_and_scale, scaling_exprs

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Part = Literal["year", "month", "day", "weekday", "hour", "minute", "ordinal_day"]
PARTS: tuple[Part, ...] = ("year", "month", "day", "weekday", "hour")
FIRST_YEAR = 2000
"""Years are counted from this one: a linear model would lose in float32 what a weight times 2,026 rounds away."""


@dataclass(frozen=True, kw_only=True)
class CalendarEncoding(ColumnEncoding):
    """Calendar `parts` as numbers, maybe scaled; missing ones are `default`, or NaN where that is empty."""

    parts: tuple[Part, ...] = ()
    default: tuple[float, ...] = ()
    """What each part of a missing one is taken for, before it is scaled."""
    time_zone: str | None = None

    def scaled_by(self) -> Iterator[tuple[float, float]]:
        """Yield the center and the scale of each part."""
        return repeat((0.0, 1.0), self.size)

    def version(self) -> str:
        """Return the version of its features."""
        return version_of(self.how, has_default=bool(self.default), time_zone=self.time_zone)

    @property
    def size(self) -> int:
        """A column a part."""
        return len(self.parts)

    def described(self) -> Iterable[tuple[str, str, str]]:
        """Return a feature a part."""
        for part, (center, scale) in zip(self.parts, self.scaled_by(), strict=True):
            told = f"{self.column}.{part}" + (f" - {FIRST_YEAR}" if part == "year" else "")
            told = told if (center, scale) == (0, 1) else f"({told} - {center:.6g}) / {scale:.6g}"
            yield f"{self.column}.{part}", told, self.version()

    def read(self, column: pl.Expr) -> list[pl.Expr]:
        """Return the parts."""
        import polars as pl

        return [
            ((_part(column, part, self.time_zone).cast(pl.Float64).fill_null(value) - center) / scale).cast(pl.Float32)
            for part, value, (center, scale) in zip(self.parts, self._absent(), self.scaled_by(), strict=True)
        ]

    def write(self, rows: pl.DataFrame, X: np.ndarray) -> None:
        """Copy the parts."""
        for i in range(self.size):
            X[:, i] = self.collected(rows, i).to_numpy()

    @classmethod
    def onnx_blocks(cls, encodings: Sequence[CalendarEncoding], inputs: Mapping[str, Any]) -> list[Any]:
        """Say each part as a column."""
        return [block for encoding in encodings for block in encoding.columns(inputs[encoding.column])]

    def columns(self, column: Any) -> list[Any]:
        """Say it as ONNX: a float32 column a part."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        from ...onnx import integer, is_missing
        from ..calendar_onnx import calendar_parts, local

        missing = is_missing(column)
        moment = op.where(missing, integer(0), column)
        parts = calendar_parts(moment if self.time_zone in (None, "UTC") else local(moment, self.time_zone))
        parts["year"] = op.sub(parts["year"], integer(FIRST_YEAR))
        filled = [
            op.where(missing, op.const(np.float64(value)), op.cast(parts[part], to=np.float64))
            for part, value in zip(self.parts, self._absent(), strict=True)
        ]
        return [
            op.cast(op.div(op.sub(value, op.const(np.float64(center))), op.const(np.float64(scale))), to=np.float32)
            for value, (center, scale) in zip(filled, self.scaled_by(), strict=True)
        ]

    def _absent(self) -> tuple[float, ...]:
        return self.default or (float("nan"),) * self.size


@dataclass(frozen=True, kw_only=True)
class DatetimeEncoding(CalendarEncoding):
    """Calendar parts as they are."""

    how: Literal["datetime"] = "datetime"


@dataclass(frozen=True, kw_only=True)
class ScaledDatetimeEncoding(CalendarEncoding):
    """Calendar parts as (part - center) / scale, one of each a part."""

    how: Literal["scaled_datetime"] = "scaled_datetime"
    centers: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    scaling: str = ""
    """How they were chosen, such as `standard`."""

    @classmethod
    def of(cls, plain: DatetimeEncoding, scaled: Sequence[tuple[float, float]], scaling: Scaling) -> Self:
        """Scale parts by a center and a scale of each."""
        centers, scales = zip(*scaled, strict=True)
        held = {field.name: getattr(plain, field.name) for field in fields(plain) if field.name != "how"}
        return cls(**held, centers=centers, scales=scales, scaling=scaling)

    def scaled_by(self) -> Iterator[tuple[float, float]]:
        """Yield the center and the scale of each part."""
        return zip(self.centers, self.scales, strict=True)

    def version(self) -> str:
        """Return the version of its features."""
        default = bool(self.default)
        return version_of(self.how, scaling=self.scaling, has_default=default, time_zone=self.time_zone)


def fit_datetimes(
    columns: Sequence[RawColumn],
    train: Dataset,
    *,
    parts: tuple[Part, ...],
    scaling: Scaling,
    with_means: bool,
    indicators: bool,
) -> dict[str, DatetimeEncoding | ScaledDatetimeEncoding]:
    """Learn the time zone of each column and by what its parts are scaled.

    with_means: whether a missing part becomes the mean of the others
    """
    import polars as pl

    zones = {column.name: getattr(column.dtype, "time_zone", None) for column in columns}
    weight = weight_of(train)
    exprs = [pl.col(name).null_count().alias(f"{name}\0missing") for name in zones if indicators]
    exprs += [
        expr.alias(f"{name}\0{part}\0{stat}")
        for name, zone in zones.items()
        for part in parts
        for stat, expr in scaling_exprs(_part(pl.col(name), part, zone).cast(pl.Float64), scaling, weight).items()
    ]
    stats = one_row(train.frame, exprs)
    found: dict[str, DatetimeEncoding | ScaledDatetimeEncoding] = {}
    for name, zone in zones.items():
        of: list[dict[str, Any]] = [{stat: stats.get(f"{name}\0{part}\0{stat}") for stat in STATS} for part in parts]
        held = bool(of) and of[0]["mean"] is not None
        scaled = [center_and_scale(one, scaling) for one in of] if held and scaling != "none" else []
        plain = DatetimeEncoding(
            column=name,
            parts=parts,
            default=tuple(float(one["mean"]) for one in of) if held and with_means else (),
            time_zone=zone,
            indicator=indicators and bool(stats[f"{name}\0missing"]),
        )
        found[name] = ScaledDatetimeEncoding.of(plain, scaled, scaling) if scaled else plain
    return found


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
