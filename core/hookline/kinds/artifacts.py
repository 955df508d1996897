"""What flows between stages: plain values, light to import, with their shapes and units told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, cast

from hookline.errors import DataError

from .contracts.rules import NO_TABLE_RULES, OnViolation, RowRule, TableRules

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from scipy import sparse

    Matrix: TypeAlias = np.ndarray | sparse.csr_matrix

Task: TypeAlias = Literal["binary", "multiclass", "regression"]
Label: TypeAlias = str | int | float | bool
ColumnKind: TypeAlias = Literal["number", "string", "boolean", "datetime"]
DateOrder: TypeAlias = Literal["day_first", "month_first"]
"""Which of the two stands first in dates whose year stands last."""

LARGE_MATRIX = 256 * 1024**2
"""Bytes from which a matrix is compared with the memory that is free."""
ROW_ID = "__row_id__"
"""The column that every row carries from the source to its prediction: its position there, int64."""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which column plays which part; every other column is a feature."""

    target: str | None = None
    """The column to predict."""
    id: str | None = None
    """Names a row; never a feature."""
    time: str | None = None
    """When a row happened; orders time splits, and stays a feature."""
    weight: str | None = None
    """How much a row counts in training and metrics; never a feature."""
    group: str | None = None
    """Rows of one group stay on one side of a group split; never a feature."""
    ignore: tuple[str, ...] = ()
    """Columns left out altogether."""

    def merged(self, over: Roles) -> Roles:
        """Return these roles with each role that `over` sets taking precedence."""
        values = {name: getattr(over, name) for name in self.__dataclass_fields__ if getattr(over, name)}
        return replace(self, **values)

    def not_features(self) -> frozenset[str]:
        """Return the columns that a model must not see."""
        named = (self.target, self.id, self.weight, self.group, ROW_ID, *self.ignore)
        return frozenset(name for name in named if name)


@dataclass(frozen=True)
class Column:
    """One raw column that a pipeline takes, as it was in training."""

    name: str
    dtype: str
    """The polars dtype in words, such as `Float64` or `Datetime(time_unit='us', time_zone=None)`."""
    kind: ColumnKind
    nullable: bool = True
    categories: tuple[str, ...] | None = None
    """Every value seen in training, sorted; None for numbers, and where there were more than 1,000."""
    minimum: float | None = None
    """Smallest value seen in training; datetimes as seconds since 1970 UTC."""
    maximum: float | None = None
    pattern: str | None = None
    """A regular expression of Python's `re` that a text must match as a whole; only a contract that a person wrote has one."""
    on_violation: OnViolation = "warn"
    """What becomes of a row with a value that the above does not allow."""
    required: bool = True
    """Whether the column must be there; one that need not, and is not, is missing in every row."""
    stated: bool = False
    """Whether a person's contract names the column, rather than the training rows alone."""


@dataclass(frozen=True)
class TextRules:
    """What reading did to every text of the training rows, and does to those of any other rows that the model is asked."""

    missing: tuple[str, ...] = ()
    """Texts that stand for a missing value, beside the empty one, which always does."""
    strip: bool = False
    """Whether spaces at both ends are taken off first."""
    dates: Mapping[str, DateOrder] = field(default_factory=dict)
    """Column -> which of day and month stands first in its dates; none of a column that has no such dates."""

    def changes(self, text: str | None) -> bool:
        """Tell whether a text is read as something else."""
        return text is not None and self.read(text) != text

    def read(self, text: str) -> str | None:
        """Return a text as it is read: without spaces, where these are taken off, and None where it stands for none."""
        bare = text.strip() if self.strip else text
        return None if text and (not bare or bare in self.missing) else bare


@dataclass(frozen=True)
class Schema:
    """The input contract of a pipeline: its raw feature columns, in order."""

    columns: tuple[Column, ...]
    texts: TextRules = TextRules()
    """How the texts of rows are read, whether they come from a file, a frame or a request."""
    rules: tuple[RowRule, ...] = ()
    """What must hold across these columns, where a person's contract says so."""
    table: TableRules = NO_TABLE_RULES

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class Target:
    """What is predicted: a label of `classes`, or a number."""

    name: str
    task: Task
    classes: tuple[Label, ...] = ()
    """Sorted class labels; empty for regression. Models see their positions as int64 codes."""


@dataclass(frozen=True)
class Dataset:
    """A lazy table with the roles of its columns.

    frame: one row an observation; carries `ROW_ID` once the runner has taken it over.
    """

    frame: pl.LazyFrame
    roles: Roles = Roles()
    name: str = "dataset"
    target: Target | None = None
    """What is predicted; known from the featurizer on, once the transforms have had their say."""

    def with_frame(self, frame: pl.LazyFrame) -> Self:
        """Return the same dataset over another frame."""
        return replace(self, frame=frame)

    def weighing(self) -> Self:
        """Return the rows that count: all but those of weight 0; all where they do not say their weights, as asked ones do.

        A missing weight stays, to be refused where it is used.
        """
        if self.roles.weight is None or self.roles.weight not in self.frame.collect_schema():
            return self
        import polars as pl

        return self.with_frame(self.frame.filter(pl.col(self.roles.weight).ne_missing(0)))

    def feature_columns(self) -> list[str]:
        """Return the names of the columns a model may see, in order."""
        hidden = self.roles.not_features()
        return [name for name in self.frame.collect_schema().names() if name not in hidden]


@dataclass(frozen=True)
class ColumnVersion:
    """One column of a version of a table."""

    name: str
    dtype: str
    digest: str
    """Of its type and its values, in order."""


@dataclass(frozen=True)
class DataVersion:
    """What a table's rows are known by, as they were loaded."""

    fingerprint: str
    """Of the content: names, types and values, in order; neither the place nor the time."""
    name: str
    rows: int
    columns: tuple[ColumnVersion, ...]
    """Those of the run; what `roles.ignore` names is no part of it."""


@dataclass(frozen=True)
class Split:
    """A dataset divided into rows to learn from, to stop on, and to judge by."""

    train: Dataset
    valid: Dataset | None
    test: Dataset
    method: str = "random"
    """How it was divided: random, stratified, time, group or column."""
    version: DataVersion | None = None
    """Of the rows that the source loaded, before any transform."""


@dataclass(frozen=True)
class Feature:
    """One column of a design matrix, and how it is made."""

    name: str
    dtype: str
    inputs: tuple[str, ...]
    """Raw columns that it is computed from."""
    definition: str
    """How, in words exact enough to compute it again, such as `standard(age, mean=38.6, std=13.6)`."""
    version: str = "1"
    """Changes when the definition means something else, and not when only fitted numbers in it moved."""
    categories: int | None = None
    """How many categories there are, of which a value is the position (-1: unseen or missing); None of other values."""
    weight: float = 1.0
    """What its column of the matrix was multiplied by; a position of a category is not, but the vector that is made of it."""


@dataclass(frozen=True)
class Features:
    """A design matrix with what belongs to its rows.

    X: float32, (n_rows, n_features), dense (maybe memory-mapped) or CSR
    y: int64 class codes or float64 numbers, (n_rows,); None where the truth is unknown
    row_ids: (n_rows,), the values of `ROW_ID`
    sample_weight: float64, (n_rows,), or None for equal weights
    """

    X: Matrix
    features: tuple[Feature, ...]
    row_ids: np.ndarray | None = None
    y: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    target: Target | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of features."""
        X: Any = self.X
        return int(X.shape[0]), int(X.shape[1])

    def weighing(self) -> Self:
        """Return the rows to learn from: all but those of weight 0; all of them where none weighs, to be refused."""
        import numpy as np

        weight, X = self.sample_weight, cast("Any", self.X)
        if weight is None or weight.all() or not weight.any():
            return self
        kept = np.flatnonzero(weight)
        taken = {name: array[kept] for name in ("y", "row_ids") if (array := getattr(self, name)) is not None}
        return replace(self, X=X[kept], sample_weight=weight[kept], **taken)

    def dense(self) -> np.ndarray:
        """Return X as a dense array, float32 (n_rows, n_features); raises DataError where there is no memory for it."""
        X: Any = self.X
        if not hasattr(X, "toarray"):
            held: np.ndarray = X
            return held
        require_memory(*self.shape)
        array: np.ndarray = X.toarray()
        return array

    @property
    def names(self) -> tuple[str, ...]:
        """The feature names, one a column of X."""
        return tuple(feature.name for feature in self.features)


def require_memory(rows: int, columns: int) -> None:
    """Raise DataError where a dense float32 matrix is larger than the memory that is free."""
    size = rows * columns * 4
    if size < LARGE_MATRIX:
        return
    import psutil

    free = psutil.virtual_memory().available
    if size > free:
        raise DataError(
            f"a matrix of {rows:,} x {columns:,} numbers takes {size / 1024**3:,.1f} GiB, and {free / 1024**3:,.1f} GiB are free",
            hint="a trainer that takes sparse rows",
            ailment="wide_matrix",
        )
