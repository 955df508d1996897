"""What a clock and a calendar show: where in a cycle a moment is, and how far from a holiday."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import pi
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Len

from hookline import Dataset, Derived, Transform
from hookline.errors import ConfigError, Problem, suggestion

from ..stats import one_row
from .base import require

if TYPE_CHECKING:
    import polars as pl

Cycle = Literal["hour", "weekday", "day", "month", "ordinal_day"]
PERIODS: Mapping[str, tuple[float, int]] = {
    "hour": (24, 0),
    "weekday": (7, 1),
    "day": (31, 1),
    "month": (12, 1),
    "ordinal_day": (366, 1),
}
"""Cycle -> how long it is, and the number of its first part."""
EARLIER, LATER = 1, 15
"""Years before the first and after the last of the training rows whose holidays are known."""


@dataclass(frozen=True)
class FittedCycles:
    """Adds where in its cycles a moment is, as a point on a circle."""

    columns: tuple[str, ...]
    cycles: tuple[Cycle, ...]
    zones: Mapping[str, str | None]
    """Column -> the time zone by whose clocks it is read."""

    def added(self) -> Mapping[str, Derived]:
        """Return the two coordinates of each cycle."""
        return _cycles_added(self.columns, self.cycles)

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add sine and cosine of each cycle, float64; missing where the moment is."""
        import polars as pl

        exprs = []
        for name in self.columns:
            moment = pl.col(name).cast(pl.Datetime("us", self.zones[name]))
            for cycle in self.cycles:
                period, first = PERIODS[cycle]
                part: pl.Expr = getattr(moment.dt, cycle)()
                angle = (part.cast(pl.Float64) - first) * (2 * pi / period)
                exprs += [angle.sin().alias(f"{name}.{cycle}_sin"), angle.cos().alias(f"{name}.{cycle}_cos")]
        return frame.with_columns(exprs)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        import spox.opset.ai.onnx.v21 as op

        from ..featurizers.calendar_onnx import calendar_parts
        from ..onnx import number

        made = dict(inputs)
        for name in self.columns:
            missing, moment = _moment_onnx(inputs[name], self.zones[name])
            parts = calendar_parts(moment)
            for cycle in self.cycles:
                for function in ("sin", "cos"):
                    found = _looked_up(parts[cycle], cycle, function)
                    made[f"{name}.{cycle}_{function}"] = op.where(missing, number(float("nan")), found)
        return made


class CyclesTransform(Transform):
    """Add where in the day, the week or the year a moment is, as sine and cosine: 23 h is then near 0 h."""

    name = "cycles"
    columns: Annotated[tuple[str, ...], Len(1)]
    """Columns of dates or times."""
    cycles: Annotated[tuple[Cycle, ...], Len(1)] = ("hour", "weekday", "ordinal_day")
    """Which cycles: the day by hours, the week, the month by days, the year by months or by days."""

    def fit(self, train: Dataset) -> FittedCycles:
        """Check the columns, and learn their time zones; raises DataError or ConfigError."""
        require(self.name, train, self.added(), ("datetime",))
        schema = train.frame.collect_schema()
        zones = {name: getattr(schema[name], "time_zone", None) for name in self.columns}
        return FittedCycles(self.columns, self.cycles, zones)

    def added(self) -> Mapping[str, Derived]:
        """Return the two coordinates of each cycle."""
        return _cycles_added(self.columns, self.cycles)


@dataclass(frozen=True)
class FittedHolidays:
    """Adds whether a day is a holiday, and how many days it is until the next."""

    columns: tuple[str, ...]
    days: tuple[int, ...]
    """Holidays as days since 1970, in order."""
    first: int
    last: int
    """The days between which holidays are known; of others nothing is told."""
    place: str
    zones: Mapping[str, str | None]

    def added(self) -> Mapping[str, Derived]:
        """Return the two columns of each moment."""
        return _holidays_added(self.columns, self.place)

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add them, float64; missing where the moment is, or where no holidays are known."""
        import polars as pl

        known, until = self._until
        exprs = []
        for name in self.columns:
            day = pl.col(name).cast(pl.Datetime("us", self.zones[name])).dt.date().cast(pl.Int32).cast(pl.Int64)
            left = day.replace_strict(known, until, default=None, return_dtype=pl.Float64)
            exprs += [
                pl.when(left.is_not_null()).then((left == 0).cast(pl.Float64)).alias(f"{name}.is_holiday"),
                left.alias(f"{name}.days_to_holiday"),
            ]
        return frame.with_columns(exprs)

    @cached_property
    def _until(self) -> tuple[pl.Series, pl.Series]:
        """Each day of which holidays are known, int64, and how many days it is until the next, float64; made once."""
        import polars as pl

        known = range(self.first, self.days[-1] + 1)
        left = [float(self.days[bisect_left(self.days, day)] - day) for day in known]
        return pl.Series(known, dtype=pl.Int64), pl.Series(left, dtype=pl.Float64)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        from ..featurizers.calendar_onnx import DAY
        from ..onnx import integer, number

        made = dict(inputs)
        for name in self.columns:
            missing, moment = _moment_onnx(inputs[name], self.zones[name])
            day = op.div(op.sub(moment, op.mod(moment, integer(DAY))), integer(DAY))
            unknown = op.or_(op.less(day, integer(self.first)), op.greater(day, integer(self.days[-1])))
            ahead = op.sub(op.const(np.array([self.days], dtype=np.int64)), day)
            left = op.reduce_min(
                op.where(op.less(ahead, integer(0)), integer(2**40), ahead), op.const(np.array([1])), keepdims=1
            )
            none, nan = op.or_(missing, unknown), number(float("nan"))
            made[f"{name}.is_holiday"] = op.where(none, nan, op.cast(op.equal(left, integer(0)), to=np.float64))
            made[f"{name}.days_to_holiday"] = op.where(none, nan, op.cast(left, to=np.float64))
        return made


class HolidaysTransform(Transform):
    """Add whether a day is a public holiday, and how many days it is until the next, by the library `holidays`."""

    name = "holidays"
    extra = "holidays"
    columns: Annotated[tuple[str, ...], Len(1)]
    """Columns of dates or times; a time is of the day that a clock of its time zone shows."""
    country: str
    """The country by its ISO 3166-1 code, such as `DE`."""
    subdivision: str | None = None
    """Its part by the code that the library has, such as `BY`."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Name the library."""
        return ("holidays",)

    def fit(self, train: Dataset) -> FittedHolidays:
        """Look up the holidays of the years around the training rows; raises DataError or ConfigError."""
        import polars as pl

        train = train.weighing()
        require(self.name, train, self.added(), ("datetime",))
        schema = train.frame.collect_schema()
        zones = {name: getattr(schema[name], "time_zone", None) for name in self.columns}
        years = {
            f"{end}\0{name}": getattr(pl.col(name).dt.year(), end)() for name in self.columns for end in ("min", "max")
        }
        found = list(one_row(train.weighing().frame, [expr.alias(name) for name, expr in years.items()]).values())
        known = [int(year) for year in found if year is not None] or [date.today().year]
        span = range(max(min(known) - EARLIER, 1), min(max(known) + LATER, 9999) + 1)
        days = _days(self.country, self.subdivision, span)
        first = (date(span[0], 1, 1) - date(1970, 1, 1)).days
        last = (date(span[-1], 12, 31) - date(1970, 1, 1)).days
        return FittedHolidays(self.columns, days, first, last, self._place, zones)

    def added(self) -> Mapping[str, Derived]:
        """Return the two columns of each moment."""
        return _holidays_added(self.columns, self._place)

    @property
    def _place(self) -> str:
        return self.country if self.subdivision is None else f"{self.country}-{self.subdivision}"


def _days(country: str, subdivision: str | None, years: Sequence[int]) -> tuple[int, ...]:
    """Return the public holidays of some years as days since 1970; raises ConfigError for a place that nobody knows."""
    import holidays

    known = holidays.list_supported_countries()
    where = "transform.holidays"
    if country not in known:
        meant = country.upper() if country.upper() in known else None
        told = f"no holidays are known of '{country}'"
        told += f"; did you mean '{meant}'?" if meant else "; give a code of ISO 3166-1, such as DE or US"
        raise ConfigError("bad config for transform 'holidays'", [Problem(f"{where}.country", told)])
    if subdivision is not None and subdivision not in known[country]:
        told = f"no part of {country}; {suggestion(subdivision, list(known[country]), 'part')}"
        raise ConfigError("bad config for transform 'holidays'", [Problem(f"{where}.subdivision", told)])
    found = holidays.country_holidays(country, subdiv=subdivision, years=list(years))
    return tuple(sorted((day - date(1970, 1, 1)).days for day in found))


def _cycles_added(columns: Sequence[str], cycles: Sequence[Cycle]) -> dict[str, Derived]:
    return {
        f"{name}.{cycle}_{short}": Derived((name,), f"{long} of {name}.{cycle} in a cycle of {PERIODS[cycle][0]:g}")
        for name in columns
        for cycle in cycles
        for short, long in (("sin", "sine"), ("cos", "cosine"))
    }


def _holidays_added(columns: Sequence[str], place: str) -> dict[str, Derived]:
    told = {
        "is_holiday": "whether {} is a public holiday of {}",
        "days_to_holiday": "days from {} to the next holiday of {}",
    }
    return {
        f"{name}.{what}": Derived((name,), text.format(name, place)) for name in columns for what, text in told.items()
    }


def _moment_onnx(column: Any, zone: str | None) -> tuple[Any, Any]:
    """Return where a moment is missing, and what clocks show then, int64 microseconds since 1970."""
    import spox.opset.ai.onnx.v21 as op

    from ..featurizers.calendar_onnx import local
    from ..onnx import integer, is_missing

    missing = is_missing(column)
    moment = op.where(missing, integer(0), column)
    return missing, moment if zone in (None, "UTC") else local(moment, zone)


def _looked_up(part: Any, cycle: str, function: str) -> Any:
    """Return sine or cosine of a part of a cycle: there are so few parts that each value is a constant."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    from ..onnx import integer

    period, first = PERIODS[cycle]
    values = getattr(np, function)(np.arange(int(period)) * (2 * pi / period))
    return op.gather(op.const(values), op.sub(part, integer(first)))
