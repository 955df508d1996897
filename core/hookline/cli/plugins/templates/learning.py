"""Working components of the kinds that go from rows to a model."""

from __future__ import annotations

SOURCE = '''\
"""The source `@COMPONENT@`."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt

from hookline import Dataset, Roles, Source


class @CLASS@(Source):
    """The first numbers with their squares."""

    name = "@COMPONENT@"
    rows: Annotated[int, Gt(1)] = 200
    """How many numbers."""

    def load(self) -> Dataset:
        """Return the rows."""
        import polars as pl

        return Dataset(pl.LazyFrame({"x": range(self.rows)}).with_columns(square=pl.col("x") ** 2.0), name="@LOCAL@")

    def fingerprint(self) -> str:
        """Return a text that changes when the rows do."""
        return f"@LOCAL@-{self.rows}"

    def roles(self) -> Roles:
        """Return the target's name."""
        return Roles(target="square")
'''

TRANSFORM = '''\
"""The transform `@COMPONENT@`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline import Dataset, Transform

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Fitted@CLASS@:
    """The training means: plain data, so that JSON can carry them."""

    means: Mapping[str, float]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Subtract the means from the columns that are there."""
        import polars as pl

        held = set(frame.collect_schema().names())
        return frame.with_columns(pl.col(name) - mean for name, mean in self.means.items() if name in held)


class @CLASS@(Transform):
    """Subtract the training mean from numbers."""

    name = "@COMPONENT@"
    columns: tuple[str, ...] = ()
    """Columns to center; by default every fraction among the features."""

    def fit(self, train: Dataset) -> Fitted@CLASS@:
        """Learn the means, in one pass."""
        import polars as pl

        schema = train.frame.collect_schema()
        names = self.columns or [name for name in train.feature_columns() if schema[name].is_float()]
        means = train.frame.select(pl.col(name).mean() for name in names).collect().row(0, named=True)
        return Fitted@CLASS@({name: mean for name, mean in means.items() if mean is not None})
'''

FEATURIZER = '''\
"""The featurizer `@COMPONENT@`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline import Dataset, Feature, Features, Featurizer
from hookline.errors import DataError

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Fitted@CLASS@:
    """The columns that are taken: plain data, so that JSON can carry them."""

    features: tuple[Feature, ...]

    def transform(self, frame: pl.LazyFrame) -> Features:
        """Return the matrix: float32, (n_rows, n_features), missing values as 0."""
        import polars as pl

        columns = [pl.col(feature.name).cast(pl.Float32).fill_null(0) for feature in self.features]
        return Features(frame.select(columns).collect().to_numpy(), self.features)


class @CLASS@(Featurizer):
    """Numbers and booleans as they are, missing ones as 0."""

    name = "@COMPONENT@"

    def fit(self, train: Dataset) -> Fitted@CLASS@:
        """Choose the columns; raises DataError where there is none."""
        import polars as pl

        schema = train.frame.collect_schema()
        names = [n for n in train.feature_columns() if schema[n].is_numeric() or schema[n] == pl.Boolean]
        if not names:
            raise DataError("@COMPONENT@ needs a number or a boolean among the features")
        return Fitted@CLASS@(tuple(Feature(n, "float32", (n,), f"{n}, 0 where missing") for n in names))
'''

TRAINER = '''\
"""The trainer `@COMPONENT@`."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt

from hookline import Features, SklearnModel, Trainer
from hookline.errors import DataError


class @CLASS@(Trainer):
    """Predict the label of the closest training rows."""

    name = "@COMPONENT@"
    tasks = frozenset({"binary", "multiclass"})
    neighbors: Annotated[int, Gt(0)] = 5
    """How many training rows are asked."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Remember the training rows; raises DataError for weights and missing values, which it cannot take."""
        import numpy as np
        from sklearn.neighbors import KNeighborsClassifier

        if train.sample_weight is not None:
            raise DataError("trainer '@COMPONENT@' takes no sample weights", hint="leave roles.weight out")
        gaps = ~np.isfinite(train.X).all(axis=0) if isinstance(train.X, np.ndarray) else ~np.isfinite(train.X.data)
        if gaps.any():
            raise DataError("trainer '@COMPONENT@' takes no missing values", hint="add transform=[impute]")
        return SklearnModel.of(KNeighborsClassifier(self.neighbors).fit(train.X, train.y), train)
'''
