"""How one raw column becomes columns of the design matrix; plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from hookline import Feature

if TYPE_CHECKING:
    import polars as pl

Part = Literal["year", "month", "day", "weekday", "hour", "minute", "ordinal_day"]
PARTS: tuple[Part, ...] = ("year", "month", "day", "weekday", "hour")
FIRST_YEAR = 2000
"""Years are counted from this one: a linear model would lose in float32 what a weight times 2,026 rounds away."""
LARGEST = 1e30
"""Numbers end here after scaling, so that neither float32 nor the sums of a linear model overflow."""
How = Literal["number", "one_hot", "ordinal", "target", "hashing", "datetime"]


@dataclass(frozen=True)
class Encoding:
    """One raw column's way into the matrix: `width` columns, and one more that says where it is missing, if asked.

    number: (value - center) / scale, missing ones `fill` or NaN
    one_hot: a 0/1 column a category, and one for the others if `other`
    ordinal: the category's position, -1 where unseen or missing
    target: `values` of the category (a mean target a class), `default` where unseen or missing
    hashing: a 1 in column crc32(category) modulo `hashes`
    datetime: calendar `parts` as numbers, missing ones `default` or NaN
    """

    column: str
    how: How
    center: float = 0.0
    scale: float = 1.0
    fill: float | None = None
    categories: tuple[str, ...] = ()
    other: bool = False
    values: tuple[tuple[float, ...], ...] = ()
    default: tuple[float, ...] = ()
    hashes: int = 0
    parts: tuple[Part, ...] = ()
    time_zone: str | None = None
    indicator: bool = False
    scaling: str = ""
    """How `center` and `scale` were chosen, such as `standard`."""

    @property
    def width(self) -> int:
        """Columns of the matrix, the indicator included."""
        widths = {
            "number": 1,
            "one_hot": len(self.categories) + self.other,
            "ordinal": 1,
            "target": len(self.default),
            "hashing": self.hashes,
            "datetime": len(self.parts),
        }
        return widths[self.how] + self.indicator

    def exprs(self) -> list[pl.Expr]:
        """Return what is read from the frame: float32 values, or uint32 codes (null where unseen or missing)."""
        import polars as pl

        column = pl.col(self.column)
        found = [expr.alias(f"{self.column}\0{i}") for i, expr in enumerate(self._values(column))]
        if self.indicator:
            found.append(column.is_null().cast(pl.Float32).alias(f"{self.column}\0missing"))
        return found

    def _values(self, column: pl.Expr) -> list[pl.Expr]:
        import polars as pl

        if self.how == "number":
            scaled = ((column.cast(pl.Float64) - self.center) / self.scale).clip(-LARGEST, LARGEST)
            return [scaled.fill_null(float("nan") if self.fill is None else self.fill).cast(pl.Float32)]
        if self.how == "datetime":
            absent = self.default or (float("nan"),) * len(self.parts)
            return [
                _part(column, part, self.time_zone).cast(pl.Float32).fill_null(value)
                for part, value in zip(self.parts, absent, strict=True)
            ]
        if self.how == "hashing":
            return [
                column.cast(pl.String).map_batches(lambda texts: _hashes(texts, self.hashes), return_dtype=pl.UInt32)
            ]
        text = column.cast(pl.String)
        codes = text.cast(pl.Enum(self.categories), strict=False).to_physical().cast(pl.UInt32)
        if self.how == "one_hot" and self.other:
            codes = pl.when(text.is_not_null()).then(codes.fill_null(len(self.categories)))
        return [codes]

    def features(self) -> list[Feature]:
        """Return the features that it makes."""
        version, rest = self._version(by_place=self.how == "ordinal"), self._version(by_place=True)
        made = [
            Feature(name, "float32", (self.column,), definition, rest if name.endswith("?other") else version)
            for name, definition in self._definitions().items()
        ]
        if self.indicator:
            made.append(Feature(f"{self.column}?missing", "float32", (self.column,), f"is_null({self.column})"))
        return made

    def _version(self, *, by_place: bool) -> str:
        """Return a digest of what a value means here: of how it is encoded, and not of means and scales that were fitted.

        by_place: whether it means something else beside other categories, as the place of one in `ordinal` does, and
        the column of all others; a category's own column, or its mean, does not.
        """
        known = self.categories if by_place else ()
        shape = [self.how, self.scaling, self.fill, bool(self.default), known, self.hashes, self.time_zone]
        return sha256(json.dumps(shape).encode()).hexdigest()[:8]

    def _definitions(self) -> dict[str, str]:
        """Return feature name -> definition, in the order of the matrix."""
        column = self.column
        known = f"{len(self.categories)} categories"
        if self.how == "number" and (self.center, self.scale) == (0, 1):
            return {column: column}
        if self.how == "number":
            return {column: f"({column} - {self.center:.6g}) / {self.scale:.6g}"}
        if self.how == "one_hot":
            # No category is called so, since theirs are the names with an equals sign.
            rest = {f"{column}?other": f"{column} is present, and none of its {known}"} if self.other else {}
            return {f"{column}={label}": f"one_hot({column}, {label!r})" for label in self.categories} | rest
        if self.how == "ordinal":
            return {column: f"position of {column} among {known}"}
        if self.how == "target":
            names = [f"{column}:mean_{i}" for i in range(len(self.default))]
            names = names if len(names) > 1 else [f"{column}:mean"]
            return dict.fromkeys(names, f"mean target of {column}, smoothed, {known}")
        if self.how == "hashing":
            return {f"{column}#{i}": f"crc32({column}) mod {self.hashes} == {i}" for i in range(self.hashes)}
        return {
            f"{column}.{part}": f"{column}.{part}" + (f" - {FIRST_YEAR}" if part == "year" else "")
            for part in self.parts
        }


def number_encoding(name: str, scaling: str, stats: Mapping[str, Any], fill: float | None, indicator: bool) -> Encoding:
    """Return a number's encoding; a constant column is centered and not scaled, an empty one has no width."""

    def found(stat: str) -> Any:
        return stats[f"{name}\0{stat}"]

    if found("mean") is None:
        return Encoding(name, "hashing")
    if scaling != "none" and found("min") == found("max"):
        # The deviation of equal values is not always exactly 0, and nothing may be divided by what rounding left.
        center, scale = found("min"), 1.0
    elif scaling == "standard":
        center, scale = found("mean"), found("std")
    elif scaling == "robust":
        center, scale = found("median"), found("q3") - found("q1")
    elif scaling == "min_max":
        center, scale = found("min"), found("max") - found("min")
    else:
        center, scale = 0.0, 1.0
    return Encoding(name, "number", float(center), float(scale) or 1.0, fill, indicator=indicator, scaling=scaling)


def datetime_encoding(
    name: str, parts: tuple[Part, ...], fill: tuple[float, ...], indicator: bool, time_zone: str | None
) -> Encoding:
    """Return a datetime's encoding. fill: a missing one's parts, or () for NaN."""
    return Encoding(name, "datetime", parts=parts, default=fill, indicator=indicator, time_zone=time_zone)


def text_encoding(
    name: str,
    how: Literal["one_hot", "ordinal", "target", "hashing"],
    counts: Mapping[str, int],
    means: Mapping[str, tuple[float, ...]] | None,
    indicator: bool,
    *,
    max_categories: int,
    n_hashes: int,
) -> Encoding:
    """Return a text's encoding. counts: category -> rows, the most frequent first; a column without any has no width."""
    if not counts:
        return Encoding(name, "hashing")
    if how == "hashing":
        return Encoding(name, how, hashes=n_hashes, indicator=indicator)
    if how == "one_hot":
        kept = tuple(sorted(list(counts)[:max_categories]))
        return Encoding(name, how, categories=kept, other=len(counts) > max_categories, indicator=indicator)
    categories = tuple(sorted(counts))
    if how == "ordinal" or means is None:
        return Encoding(name, "ordinal", categories=categories, indicator=indicator)
    values = tuple(means[category] for category in categories)
    return Encoding(name, how, categories=categories, values=values, default=means[""], indicator=indicator)


def part_means(frame: pl.LazyFrame, name: str, parts: tuple[Part, ...], time_zone: str | None) -> tuple[float, ...]:
    """Return the mean of each calendar part of a column; () where it holds nothing."""
    import polars as pl

    column = pl.col(name)
    exprs = [_part(column, part, time_zone).cast(pl.Float64).mean().alias(part) for part in parts]
    means = frame.select(exprs).collect().row(0)
    return tuple(map(float, means)) if None not in means else ()


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


def _hashes(texts: pl.Series, hashes: int) -> pl.Series:
    from zlib import crc32

    import polars as pl

    # CRC-32, since Python's own hash differs from process to process; each distinct text is hashed once.
    unique = texts.drop_nulls().unique()
    codes = pl.Series([crc32(text.encode()) % hashes for text in unique.to_list()], dtype=pl.UInt32)
    if unique.is_empty():
        return pl.Series(texts.name, [None] * len(texts), dtype=pl.UInt32)
    return texts.replace_strict(unique, codes, default=None, return_dtype=pl.UInt32)
