"""Numbers and booleans as one column, scaled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hookline import Dataset, Finding, report_finding
from hookline.errors import DataError
from hookline.registry.remedies import list_option

from ...stats import deviation, mean, one_row, quantile, weight_of
from .base import ColumnEncoding, RawColumn, version_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

Scaling = Literal["standard", "robust", "min_max", "none"]

EXACT = 2.0**24
"""Whole numbers up to this one are each a float32 of its own."""
EXACT_BEFORE = 2.0**53
"""The same of float64, in which numbers are scaled."""
MERGED = 0.01
"""The share of a column's different numbers that may be lost to float32 before it is told."""
LARGEST = 1e30
"""Numbers end here after scaling, so that neither float32 nor the sums of a linear model overflow."""
CLIP = "transform=[clip] transform.clip.lower=-1e9 transform.clip.upper=1e9"


@dataclass(frozen=True, kw_only=True)
class NumberEncoding(ColumnEncoding):
    """(value - center) / scale; a missing one is `fill`, or NaN."""

    how: Literal["number"] = "number"
    center: float = 0.0
    scale: float = 1.0
    fill: float | None = None
    scaling: str = ""
    """How `center` and `scale` were chosen, such as `standard`."""

    @classmethod
    def fit(
        cls, columns: Sequence[RawColumn], train: Dataset, *, scaling: Scaling, fill: float | None, indicators: bool
    ) -> dict[str, NumberEncoding]:
        """Learn the statistics of all columns in one pass; one that holds nothing is left out. Booleans are not scaled.

        Raises DataError for infinite values, and for numbers whose deviation is beyond float64.
        """
        ways: dict[str, Scaling] = {column.name: scaling if column.kind == "number" else "none" for column in columns}
        stats = _measured(train, columns, ways)
        found = {}
        for name, way in ways.items():
            of = {stat: stats.get(f"{name}\0{stat}") for stat in STATS}
            if of["mean"] is None:
                continue
            center, scale = center_and_scale(of, way)
            marked = indicators and bool(of["missing"])
            found[name] = cls(column=name, center=center, scale=scale, fill=fill, indicator=marked, scaling=way)
        far = [one for one in found.values() if one.reaches_beyond(stats)]
        for finding in merged_numbers(train, far):
            report_finding(finding)
        return found

    def reaches_beyond(self, stats: Mapping[str, Any]) -> bool:
        """Tell whether whole numbers next to each other may become one float32, by the column's own `min` and `max`."""
        ends = [float(stats[f"{self.column}\0{stat}"]) for stat in ("min", "max")]
        return any(abs(end - self.center) > EXACT or abs(end) > EXACT_BEFORE for end in ends)

    @property
    def size(self) -> int:
        """One."""
        return 1

    def described(self) -> Iterable[tuple[str, str, str]]:
        """Return the column, with how it is scaled."""
        plain = (self.center, self.scale) == (0, 1)
        told = self.column if plain else f"({self.column} - {self.center:.6g}) / {self.scale:.6g}"
        yield self.column, told, version_of(self.how, scaling=self.scaling, fill=self.fill)

    def read(self, column: pl.Expr) -> list[pl.Expr]:
        """Return the scaled value."""
        import polars as pl

        scaled = ((column.cast(pl.Float64) - self.center) / self.scale).clip(-LARGEST, LARGEST)
        return [scaled.fill_null(float("nan") if self.fill is None else self.fill).cast(pl.Float32)]

    def write(self, rows: pl.DataFrame, X: np.ndarray) -> None:
        """Copy the values."""
        X[:, 0] = self.collected(rows).to_numpy()

    @classmethod
    def onnx_blocks(cls, encodings: Sequence[NumberEncoding], inputs: Mapping[str, Any]) -> list[Any]:
        """Say all of them as one block."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        from ...onnx import clip

        def row(values: Iterable[float]) -> Any:
            return op.const(np.array([list(values)], dtype=np.float64))

        columns = [inputs[encoding.column] for encoding in encodings]
        together = op.concat(columns, axis=1) if len(columns) > 1 else columns[0]
        centered = op.sub(together, row(encoding.center for encoding in encodings))
        scaled = clip(op.div(centered, row(encoding.scale for encoding in encodings)), -LARGEST, LARGEST)
        fills = [np.nan if encoding.fill is None else encoding.fill for encoding in encodings]
        return [scaled if np.isnan(fills).all() else op.where(op.isnan(together), row(fills), scaled)]


def merged_numbers(train: Dataset, encodings: Sequence[NumberEncoding]) -> Iterator[Finding]:
    """Yield of which columns several numbers become one, since features are float32."""
    import polars as pl

    for encoding in encodings:
        raw, feature = pl.col(encoding.column).drop_nulls(), encoding.read(pl.col(encoding.column).drop_nulls())[0]
        counts = train.frame.select(there=raw.n_unique(), told=feature.n_unique()).collect().row(0, named=True)
        lost = 1 - counts["told"] / max(1, counts["there"])
        if lost > MERGED:
            name = encoding.column
            way = "featurizer.tabular.numeric=standard counts from their mean. " if encoding.scaling == "none" else ""
            text = (
                f"'{name}' holds {counts['there']:,} different numbers, of which a model can tell {counts['told']:,} apart: "
                f"features are float32. {way}{list_option('roles.ignore', [name])} leaves out what names rows."
            )
            yield Finding(name, "float32", lost, MERGED, "warning", text)


STATS = ("missing", "mean", "min", "max", "std", "q1", "median", "q3")
"""What is measured of a column, as far as its scaling needs it."""
QUARTERS = {"q1": 0.25, "median": 0.5, "q3": 0.75}


def center_and_scale(stats: Mapping[str, Any], scaling: Scaling) -> tuple[float, float]:
    """Return by what numbers are scaled, from their `scaling_exprs`; constant ones are centered only."""
    if scaling == "none":
        return 0.0, 1.0
    if stats["min"] == stats["max"]:
        # The deviation of equal values is not always exactly 0, and nothing may be divided by what rounding left.
        return float(stats["min"]), 1.0
    center, scale = {
        "standard": lambda: (stats["mean"], stats["std"]),
        "robust": lambda: (stats["median"], stats["q3"] - stats["q1"]),
        "min_max": lambda: (stats["min"], stats["max"] - stats["min"]),
    }[scaling]()
    return float(center), float(scale) or 1.0


def _measured(train: Dataset, columns: Sequence[RawColumn], ways: Mapping[str, Scaling]) -> dict[str, Any]:
    """Return every statistic of every column that its scaling needs; keys are `column\\0statistic`."""
    weight = weight_of(train)
    exprs = [
        expr.alias(f"{column.name}\0{stat}")
        for column in columns
        for stat, expr in _exprs(column, ways[column.name], weight).items()
    ]
    stats = one_row(train.frame, exprs)
    infinite = [key.partition("\0")[0] for key, value in stats.items() if key.endswith("\0infinite") and value]
    if infinite:
        raise DataError(f"{_columns(infinite)} infinite values", hint=f"mend the source, or give bounds: {CLIP}")
    wide = [key.partition("\0")[0] for key, value in stats.items() if key.endswith("\0std") and value == float("inf")]
    if wide:
        raise DataError(f"{_columns(wide)} numbers too large to be scaled", hint=f"give bounds: {CLIP}")
    return stats


def _exprs(column: RawColumn, scaling: Scaling, weight: pl.Expr | None) -> dict[str, pl.Expr]:
    import polars as pl

    value = pl.col(column.name).cast(pl.Float64)
    found = {"missing": pl.col(column.name).null_count(), **scaling_exprs(value, scaling, weight)}
    if column.dtype.is_float():
        found["infinite"] = value.is_infinite().sum()
    return found


def scaling_exprs(value: pl.Expr, scaling: Scaling, weight: pl.Expr | None) -> dict[str, pl.Expr]:
    """Return what must be measured of numbers, so that they can be scaled."""
    found = {"mean": mean(value, weight), "min": value.min(), "max": value.max()}
    if scaling == "standard":
        found["std"] = deviation(value, weight)
    if scaling == "robust":
        found |= {stat: quantile(value, weight, share) for stat, share in QUARTERS.items()}
    return found


def scales_of(values: Mapping[str, pl.Expr], train: Dataset, scaling: Scaling) -> dict[str, tuple[float, float]]:
    """Return the center and the scale of each of some numbers that are made of training columns; 0 and 1 where none are."""
    if scaling == "none":
        return dict.fromkeys(values, (0.0, 1.0))
    weight = weight_of(train)
    exprs = {name: scaling_exprs(value, scaling, weight) for name, value in values.items()}
    named = [expr.alias(f"{name}\0{stat}") for name, of in exprs.items() for stat, expr in of.items()]
    stats = one_row(train.frame, named)
    return {
        name: center_and_scale({stat: stats[f"{name}\0{stat}"] for stat in of}, scaling) for name, of in exprs.items()
    }


def _columns(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:5])
    return f"column {shown} holds" if len(names) == 1 else f"columns {shown} hold"
