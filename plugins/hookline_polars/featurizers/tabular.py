"""The tabular featurizer: numbers, categories, booleans and datetimes to one float32 matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

from hookline import Dataset, Feature, Features, Featurizer
from hookline.data.columns import column_kind
from hookline.errors import ConfigError, DataError, Problem, suggestion
from hookline.kinds.artifacts import ColumnKind

from .crossfit import Folds
from .encodings.base import RawColumn
from .encodings.categories import OneHotEncoding, fit_ordered, fit_places
from .encodings.datetimes import PARTS, Part, fit_datetimes
from .encodings.hashes import HashingEncoding
from .encodings.numbers import NumberEncoding, Scaling
from .encodings.shares import fit_counts, fit_evidence
from .encodings.targets import fit_means
from .fitted import Encoding, FittedTabular

Fit = Callable[[Sequence[RawColumn], Dataset], Mapping[str, Encoding]]
"""Learns the encodings of some columns by their names; a column that holds nothing is left out."""

SPARSE_SHARE = 0.2
"""Share of values that are not zero below which `sparse=auto` makes a sparse matrix: linear models are then far quicker."""


class TabularFeaturizer(Featurizer):
    """Numbers scaled, categories encoded, datetimes taken apart: one float32 matrix for any trainer."""

    name = "tabular"
    mends: ClassVar = {
        "missing_values": "featurizer.tabular.missing=zero",
        "wide_matrix": (
            "featurizer.tabular.max_categories=20",
            "featurizer.tabular.categorical=hashing",
            "featurizer.tabular.categorical=ordinal",
        ),
    }
    numeric: Scaling = "standard"
    """How numbers are scaled, parts of datetimes, positions and mean targets of categories too: by mean and standard deviation,
    by median and quartiles, to 0..1, or not."""
    categorical: Literal["one_hot", "codes", "ordinal", "target", "weight_of_evidence", "count", "hashing"] = "one_hot"
    """How texts are encoded. `codes` are positions that are never scaled, for a trainer that embeds categories, as `mlp` does;
    `target` uses the mean target of a category, `weight_of_evidence` how much it speaks for a class, both cross-fitted on the
    training rows; `count` is the share of rows that hold it."""
    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column of texts -> its texts from the least to the most, such as {size: [S,M,L]}: it becomes a number, its place among
    them, scaled as numbers are; -1 before scaling where missing or never named."""
    max_categories: Annotated[int, Gt(0)] = 100
    """one_hot: the most frequent categories get a column each, the others share one called `<column>?other`."""
    n_hashes: Annotated[int, Gt(1)] = 64
    """hashing: columns a text is hashed to."""
    smooth: Annotated[float, Ge(0)] = 10.0
    """target, weight_of_evidence: rows of the overall mean that are mixed into a category's own mean (Micci-Barreca, 2001)."""
    folds: Annotated[int, Gt(1)] = 5
    """target, weight_of_evidence: folds of the cross-fitting."""
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
        train = train.weighing()
        schema = train.frame.collect_schema()
        columns = [RawColumn(name, column_kind(schema[name]), schema[name]) for name in train.feature_columns()]
        found: dict[str, Encoding] = {}
        found |= self._ordered(columns, train)
        for kinds, fit in self._ways().items():
            some = [column for column in columns if column.kind in kinds and column.name not in found]
            found |= fit(some, train) if some else {}
        kept = tuple(found[column.name] for column in columns if column.name in found and found[column.name].width)
        if not kept:
            raise DataError(
                "no feature column holds anything to learn from",
                hint="every column has a role, is missing everywhere, or holds a text of its own in every row",
            )
        fitted = FittedTabular(kept, self._sparse(kept))
        _require_one_name_each(fitted.features)
        return fitted

    def transform_train(self, fitted: FittedTabular, train: Dataset) -> Features:
        """Return the training matrix; with target encoding each row is encoded by the rows of the other folds."""
        if not any(encoding.learns_target for encoding in fitted.encodings):
            return fitted.transform(train.frame)
        return fitted.transform_crossfitted(train, Folds.of(train, self.folds, self.smooth, self.seed))

    def _ways(self) -> Mapping[tuple[ColumnKind, ...], Fit]:
        """Return how columns of some kinds are fitted."""
        zero, indicators = self.missing == "zero", self.missing_indicators
        texts: Mapping[str, Fit] = {
            "one_hot": partial(OneHotEncoding.fit, max_categories=self.max_categories, indicators=indicators),
            "codes": partial(fit_places, scaling="none", indicators=indicators),
            "ordinal": partial(fit_places, scaling=self.numeric, indicators=indicators),
            "target": partial(fit_means, smooth=self.smooth, scaling=self.numeric, indicators=indicators),
            "weight_of_evidence": partial(
                fit_evidence, smooth=self.smooth, scaling=self.numeric, indicators=indicators
            ),
            "count": partial(fit_counts, scaling=self.numeric, indicators=indicators),
            "hashing": partial(HashingEncoding.fit, n_hashes=self.n_hashes, indicators=indicators),
        }
        fill = 0.0 if zero else None
        return {
            ("number", "boolean"): partial(NumberEncoding.fit, scaling=self.numeric, fill=fill, indicators=indicators),
            ("string",): texts[self.categorical],
            ("datetime",): partial(
                fit_datetimes,
                parts=self.datetime,
                scaling=self.numeric,
                with_means=zero,
                indicators=indicators,
            ),
        }

    def _ordered(self, columns: Sequence[RawColumn], train: Dataset) -> Mapping[str, Encoding]:
        """Return the encodings of columns whose order is given; raises ConfigError for one that is no text."""
        texts = {column.name: column for column in columns if column.kind == "string"}
        problems = [
            Problem(
                f"featurizer.tabular.order.{name}", suggestion(name, list(texts), "column") or "is no column of texts"
            )
            for name in self.order
            if name not in texts
        ]
        if problems:
            raise ConfigError("bad config for featurizer 'tabular'", problems)
        some = [texts[name] for name in self.order]
        return fit_ordered(some, train, orders=self.order, scaling=self.numeric, indicators=self.missing_indicators)

    def _sparse(self, encodings: tuple[Encoding, ...]) -> bool:
        if self.sparse != "auto":
            return self.sparse
        width = sum(encoding.width for encoding in encodings)
        return sum(encoding.filled for encoding in encodings) < SPARSE_SHARE * width


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
