"""Rows that a few random cuts set apart from the others (Liu, Ting and Zhou 2008): flagged, or dropped from training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt, Interval, Lt

from hookline import Dataset, Transform
from hookline.data.columns import kind_of
from hookline.data.frames import require_columns, require_new
from hookline.errors import ConfigError, DataError, Problem

from .whole import WHOLE

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

STEP = 64
"""Depths are whole multiples of 1 / STEP, so that sums of them are exact in float32, and the same in every format."""

AT_ONCE = 4096
"""Rows that are led through all trees in one go."""
PARTS = {"column": "int64", "cut": "float32", "left": "int64", "right": "int64", "depth": "float64"}
"""Part of a tree -> the type of its numbers."""


@dataclass(frozen=True)
class CutTree:
    """One tree of cuts; node 0 is the root, and a leaf has no children (-1)."""

    column: tuple[int, ...]
    cut: tuple[float, ...]
    """A number up to this one goes left; as float32, which trees are grown in."""
    left: tuple[int, ...]
    right: tuple[int, ...]
    depth: tuple[float, ...]
    """Of a leaf: how many cuts set a row apart that ends there; 0 elsewhere."""

    def __post_init__(self) -> None:
        count = len(self.column)
        if any(len(part) != count for part in (self.cut, self.left, self.right, self.depth)):
            raise ValueError("the parts of a tree differ in length")
        # Else a damaged file could lead in circles.
        for node, (one, other) in enumerate(zip(self.left, self.right, strict=True)):
            if (one, other) != (-1, -1) and not (node < one < count and node < other < count):
                raise ValueError("a tree leads out of its own nodes")


@dataclass(frozen=True)
class CutForest:
    """How many cuts it takes to set rows apart, and from where on a row counts as isolated."""

    columns: tuple[str, ...]
    fills: tuple[float, ...]
    """What a missing number counts as: the median of the training rows."""
    trees: tuple[CutTree, ...]
    least: float
    """Rows whose depths add up to less are isolated."""

    def isolated(self, frame: pl.DataFrame) -> np.ndarray:
        """Return which rows are isolated, bool (n_rows,); a column that is not there counts as missing."""
        found: np.ndarray = self.depths(self.matrix(frame)) < self.least
        return found

    def matrix(self, frame: pl.DataFrame) -> np.ndarray:
        """Return the numbers as trees look at them, float32 (n_rows, n_columns)."""
        import numpy as np

        filled = [
            frame[name].cast(float).fill_nan(None).fill_null(fill).to_numpy()
            if name in frame.columns
            else np.full(frame.height, fill)
            for name, fill in zip(self.columns, self.fills, strict=True)
        ]
        with np.errstate(over="ignore"):
            matrix: np.ndarray = np.column_stack(filled).astype(np.float32)
        return matrix

    def depths(self, X: np.ndarray) -> np.ndarray:
        """Return the sum of each row's depths over the trees, float64 (n_rows,)."""
        import numpy as np

        column, cut, left, right, depth, roots = self._nodes
        total = np.zeros(len(X))
        for start in range(0, len(X), AT_ONCE):
            some = X[start : start + AT_ONCE]
            rows, place = np.arange(len(some))[:, None], np.tile(roots, (len(some), 1))
            while True:
                below = np.where(some[rows, column[place]] <= cut[place], left[place], right[place])
                if (below == place).all():
                    break
                place = below
            total[start : start + AT_ONCE] = depth[place].sum(axis=1)
        return total

    @cached_property
    def _nodes(self) -> tuple[np.ndarray, ...]:
        """Column, cut, left, right and depth of the nodes of all trees, where a leaf leads to itself, and where trees begin."""
        import numpy as np

        sizes = [len(tree.left) for tree in self.trees]
        roots = np.cumsum([0, *sizes])[:-1]
        begin, own = np.repeat(roots, sizes), np.arange(sum(sizes))
        column, cut, left, right, depth = (
            np.array([value for tree in self.trees for value in getattr(tree, part)], dtype=dtype)
            for part, dtype in PARTS.items()
        )
        leaf = left < 0
        left, right = np.where(leaf, own, left + begin), np.where(leaf, own, right + begin)
        return np.maximum(column, 0), cut, left, right, depth, roots


@dataclass(frozen=True)
class FittedIsolated:
    """Adds a column that says which rows are isolated."""

    forest: CutForest
    flag: str

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the column, boolean, true where a row is isolated."""
        import polars as pl

        def flagged(rows: pl.DataFrame) -> pl.DataFrame:
            return rows.with_columns(pl.Series(self.flag, self.forest.isolated(rows), dtype=pl.Boolean))

        schema = pl.Schema({**frame.collect_schema(), self.flag: pl.Boolean()})
        return frame.map_batches(flagged, schema=schema, **WHOLE)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        from .isolation_onnx import isolated

        return {**inputs, self.flag: isolated(self.forest, inputs)}


class IsolatedTransform(Transform):
    """Flag rows that are unlike all others in several columns at once: a new column, true where an isolation forest says so."""

    name = "isolated"
    extra = "sklearn"
    columns: tuple[str, ...] = ()
    """Columns to look at; by default every number among the features."""
    share: Annotated[float, Gt(0), Lt(0.5)] = 0.01
    """Share of training rows that is flagged, as nearly as equal rows let it."""
    flag: str = "is_isolated"
    """Name of the new column, which features are made of as of any other."""
    n_estimators: Annotated[int, Gt(0)] = 100
    """Trees."""
    max_samples: Annotated[int, Gt(1)] = 256
    """Training rows that a tree is grown on."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the cuts."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def fit(self, train: Dataset) -> FittedIsolated:
        """Grow the trees; raises ConfigError for a column that holds no number, and where the new one is there already."""
        require_new((self.flag,), train.frame.collect_schema().names(), "transform.isolated.flag")
        return FittedIsolated(grow(train, self), self.flag)


@dataclass(frozen=True)
class FittedDropIsolated:
    """Drops isolated rows."""

    forest: CutForest

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the others, in order."""
        import polars as pl

        def kept(rows: pl.DataFrame) -> pl.DataFrame:
            return rows.filter(~pl.Series(self.forest.isolated(rows)))

        return frame.map_batches(kept, **WHOLE)


class DropIsolatedTransform(Transform):
    """Drop training rows that are unlike all others in several columns at once; held-out rows and ones to predict stay."""

    name = "drop_isolated"
    extra = "sklearn"
    applies = "training"
    columns: tuple[str, ...] = ()
    """Columns to look at; by default every number among the features. The target may be named."""
    share: Annotated[float, Gt(0), Lt(0.5)] = 0.01
    """Share of training rows that is dropped, as nearly as equal rows let it."""
    n_estimators: Annotated[int, Gt(0)] = 100
    """Trees."""
    max_samples: Annotated[int, Gt(1)] = 256
    """Training rows that a tree is grown on."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the cuts."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def fit(self, train: Dataset) -> FittedDropIsolated:
        """Grow the trees; raises ConfigError for a column that holds no number."""
        return FittedDropIsolated(grow(train, self))


def grow(train: Dataset, options: IsolatedTransform | DropIsolatedTransform) -> CutForest:
    """Grow the forest on the rows that count, and find the depth below which the wanted share of them lies."""
    import numpy as np
    import polars as pl
    from sklearn.ensemble import IsolationForest

    names = numbers_of(train, options.columns, f"transform.{options.name}.columns")
    rows = train.weighing().frame.select(pl.col(name).cast(pl.Float64).fill_nan(None) for name in names).collect()
    fills = tuple(float(value or 0.0) for value in rows.median().row(0))
    blank = CutForest(tuple(names), fills, (), 0.0)
    limit = float(np.finfo(np.float32).max)
    X = blank.matrix(rows).clip(-limit, limit)  # scikit-learn refuses infinite numbers; beyond all cuts they stay.
    drawn: Any = min(options.max_samples, len(X))
    forest = IsolationForest(n_estimators=options.n_estimators, max_samples=drawn, random_state=options.seed).fit(X)
    trees = tuple(
        _tree(one.tree_, features)
        for one, features in zip(forest.estimators_, forest.estimators_features_, strict=True)
    )
    depths = CutForest(tuple(names), fills, trees, 0.0).depths(X)
    wanted = max(1, round(options.share * len(depths)))
    return CutForest(tuple(names), fills, trees, float(np.sort(depths)[min(wanted, len(depths) - 1)]))


def numbers_of(train: Dataset, columns: tuple[str, ...], where: str) -> list[str]:
    """Return the chosen columns, by default every number among the features.

    Raises ConfigError for one that holds no number, DataError for one that is not there, and where there is none at all.
    """
    schema = train.frame.collect_schema()
    require_columns(columns, schema.names(), where)
    names = columns or [name for name in train.feature_columns() if kind_of(name, schema[name]) == "number"]
    others = [name for name in names if kind_of(name, schema[name]) != "number"]
    component = where.split(".")[1]
    if others:
        problems = [Problem(f"{where}: '{name}'", "holds no number") for name in others]
        raise ConfigError(f"bad config for transform '{component}'", problems)
    if not names:
        raise DataError(f"{component} looks at numbers, and no feature is one")
    return [name for name in schema.names() if name in names]


def _tree(tree: Any, features: Any) -> CutTree:
    """Take over a tree of scikit-learn, with the depth of its leaves as the paper counts them."""
    import numpy as np

    left, right = tree.children_left, tree.children_right
    level = np.zeros(tree.node_count)
    for node in range(tree.node_count):
        if left[node] >= 0:
            level[left[node]] = level[right[node]] = level[node] + 1
    leaf = left < 0
    depth = np.where(leaf, level + _unsplit(tree.n_node_samples), 0.0)
    # The largest float32 that is not above the cut: float32 numbers fall on the same side of both.
    cut = tree.threshold.astype(np.float32)
    cut = np.where(cut > tree.threshold, np.nextafter(cut, np.float32(-np.inf)), cut)
    column = np.where(leaf, -1, np.asarray(features)[np.maximum(tree.feature, 0)])
    return CutTree(
        tuple(map(int, column)),
        tuple(map(float, np.where(leaf, 0.0, cut))),
        tuple(map(int, left)),
        tuple(map(int, right)),
        tuple(map(float, np.round(depth * STEP) / STEP)),
    )


def _unsplit(rows: np.ndarray) -> np.ndarray:
    """Return the mean number of cuts that would set apart one of so many rows of a leaf (equation 1 of the paper)."""
    import numpy as np

    n = np.maximum(rows, 2).astype(np.float64)
    found = 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n
    unsplit: np.ndarray = np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, found))
    return unsplit
