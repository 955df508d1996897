"""The tabular featurizer: numbers, categories, booleans and datetimes to one float32 matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from hookline import Dataset, Feature, Features, Featurizer
from hookline.data.columns import column_kind
from hookline.errors import DataError
from hookline.kinds.artifacts import ColumnKind

from ..stats import one_row, value_counts
from .encodings import PARTS, Encoding, Part, datetime_encoding, number_encoding, part_means, text_encoding
from .fitted import FittedTabular

if TYPE_CHECKING:
    import polars as pl


CLIP = "transform=[clip] transform.clip.lower=-1e9 transform.clip.upper=1e9"
SPARSE_SHARE = 0.2
"""Share of values that are not zero below which `sparse=auto` makes a sparse matrix: linear models are then far quicker."""


class TabularFeaturizer(Featurizer):
    """Numbers scaled, categories encoded, datetimes taken apart: one float32 matrix for any trainer."""

    name = "tabular"
    numeric: Literal["standard", "robust", "min_max", "none"] = "standard"
    """How numbers are scaled: by mean and standard deviation, by median and quartiles, to 0..1, or not at all."""
    categorical: Literal["one_hot", "ordinal", "target", "hashing"] = "one_hot"
    """How texts are encoded. `target` uses the mean target of a category, cross-fitted on the training rows."""
    max_categories: Annotated[int, Gt(0)] = 100
    """one_hot: the most frequent categories get a column each, the others share one called `<column>?other`."""
    n_hashes: Annotated[int, Gt(1)] = 64
    """hashing: columns a text is hashed to."""
    smooth: Annotated[float, Ge(0)] = 10.0
    """target: rows of the overall mean that are mixed into a category's own mean (Micci-Barreca, 2001)."""
    folds: Annotated[int, Gt(1)] = 5
    """target: folds of the cross-fitting."""
    datetime: tuple[Part, ...] = PARTS
    """Parts that datetimes are taken apart into."""
    missing: Literal["zero", "nan"] = "nan"
    """What a missing number becomes: 0 after scaling (the center; for parts of a datetime, their mean), or NaN, which trees read
    and linear models refuse."""
    missing_indicators: bool = False
    """Whether columns that miss values in training get a 0/1 column that says where."""
    sparse: bool | Literal["auto"] = "auto"
    """Whether the matrix is sparse (CSR); `auto` makes it so where one-hot or hashed texts leave at least 80 % zeros."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the cross-fitting's folds."""

    def fit(self, train: Dataset) -> FittedTabular:
        """Learn statistics of all columns; raises DataError where there is no column to learn from."""
        schema = train.frame.collect_schema()
        kinds: dict[str, ColumnKind] = {name: column_kind(schema[name]) for name in train.feature_columns()}
        stats = _number_stats(train.frame, kinds, schema, self.numeric)
        counts = _category_counts(train.frame, [name for name, kind in kinds.items() if kind == "string"])
        means = self._target_means(train, list(counts)) if self.categorical == "target" and counts else {}
        encodings: list[Encoding] = []
        for name, kind in kinds.items():
            indicator = self.missing_indicators and bool(stats[f"{name}\0missing"])
            if kind in ("number", "boolean"):
                fill = 0.0 if self.missing == "zero" else None
                encodings.append(
                    number_encoding(name, self.numeric if kind == "number" else "none", stats, fill, indicator)
                )
            elif kind == "datetime":
                fills = self.missing == "zero"
                zone = getattr(schema[name], "time_zone", None)
                center = part_means(train.frame, name, self.datetime, zone) if fills else ()
                encodings.append(datetime_encoding(name, self.datetime, center, indicator, zone))
            else:
                limits = {"max_categories": self.max_categories, "n_hashes": self.n_hashes}
                encodings.append(
                    text_encoding(name, self.categorical, counts[name], means.get(name), indicator, **limits)
                )
        kept = tuple(encoding for encoding in encodings if encoding.width)
        if not kept:
            raise DataError(
                "no feature column holds anything to learn from",
                hint="every column has a role, or is missing everywhere",
            )
        fitted = FittedTabular(kept, self._sparse(kept))
        _require_one_name_each(fitted.features)
        return fitted

    def transform_train(self, fitted: FittedTabular, train: Dataset) -> Features:
        """Return the training matrix; with target encoding each row is encoded by the rows of the other folds."""
        if self.categorical != "target" or not any(encoding.how == "target" for encoding in fitted.encodings):
            return fitted.transform(train.frame)
        from .crossfit import crossfitted

        return crossfitted(fitted, train, self.smooth, self.folds, self.seed)

    def _target_means(self, train: Dataset, names: list[str]) -> Mapping[str, Mapping[str, tuple[float, ...]]]:
        from .crossfit import target_means

        return target_means(train, names, self.smooth)

    def _sparse(self, encodings: tuple[Encoding, ...]) -> bool:
        if self.sparse != "auto":
            return self.sparse
        width = sum(encoding.width for encoding in encodings)
        filled = sum(1 if encoding.how in ("one_hot", "hashing") else encoding.width for encoding in encodings)
        return filled < SPARSE_SHARE * width


def _require_one_name_each(features: tuple[Feature, ...]) -> None:
    columns: dict[str, str] = {}
    for feature in features:
        (column,) = feature.inputs
        if feature.name in columns:
            raise DataError(
                f"columns '{columns[feature.name]}' and '{column}' both make a feature '{feature.name}'",
                hint="rename one of them at the source",
            )
        columns[feature.name] = column


def _number_stats(
    frame: pl.LazyFrame, kinds: Mapping[str, str], schema: Mapping[str, pl.DataType], scaling: str
) -> dict[str, Any]:
    """Return every statistic of every column that a way of scaling needs; keys are `column\\0statistic`."""
    stats = one_row(frame, _stat_exprs(kinds, schema, scaling))
    infinite = [key.partition("\0")[0] for key, value in stats.items() if key.endswith("\0infinite") and value]
    if infinite:
        raise DataError(f"{_columns(infinite)} infinite values", hint=f"mend the source, or give bounds: {CLIP}")
    wide = [key.partition("\0")[0] for key, value in stats.items() if key.endswith("\0std") and value == float("inf")]
    if wide:
        raise DataError(f"{_columns(wide)} numbers too large to be scaled", hint=f"give bounds: {CLIP}")
    return stats


def _columns(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:5])
    return f"column {shown} holds" if len(names) == 1 else f"columns {shown} hold"


def _stat_exprs(kinds: Mapping[str, str], schema: Mapping[str, pl.DataType], scaling: str) -> list[pl.Expr]:
    import polars as pl

    exprs = [pl.col(name).null_count().alias(f"{name}\0missing") for name in kinds]
    for name, kind in kinds.items():
        if kind not in ("number", "boolean"):
            continue
        value = pl.col(name).cast(pl.Float64)
        found = {"mean": value.mean(), "min": value.min(), "max": value.max()}
        if kind == "number" and scaling == "standard":
            found["std"] = value.std(ddof=0)
        if kind == "number" and scaling == "robust":
            found |= {
                "q1": value.quantile(0.25, "linear"),
                "median": value.median(),
                "q3": value.quantile(0.75, "linear"),
            }
        if kind == "number" and schema[name].is_float():
            found["infinite"] = value.is_infinite().sum()
        exprs += [expr.alias(f"{name}\0{stat}") for stat, expr in found.items()]
    return exprs


def _category_counts(frame: pl.LazyFrame, names: list[str]) -> dict[str, dict[str, int]]:
    """Return column -> category -> rows, the most frequent first and ties in order of their names."""
    import polars as pl

    counts = {}
    for name, found in zip(names, pl.collect_all([value_counts(frame, name) for name in names]), strict=True):
        ordered = found.drop_nulls("value").sort(["rows", "value"], descending=[True, False])
        counts[name] = dict(zip(ordered["value"].to_list(), ordered["rows"].to_list(), strict=True))
    return counts
