"""Transforms about missing values: what means missing, and what is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Gt, Len

from hookline import Dataset, Transform
from hookline.data.columns import column_kind, kind_of
from hookline.data.frames import require_columns
from hookline.errors import ConfigError, DataError, ExportError, Problem
from hookline.kinds.artifacts import ColumnKind

from ..columns import Columns, Scalar, choose, present
from ..stats import mean, most_frequent, one_row, quantile, weight_of

if TYPE_CHECKING:
    import polars as pl

KINDS: tuple[ColumnKind, ...] = ("number", "string", "boolean")
"""Types of columns that are filled, and in which values may mean missing."""
KEY = "\0group"
MOST_GROUPS = 1_000
"""Groups that have statistics of their own."""


@dataclass(frozen=True)
class Group:
    """What was learned of the rows that hold one value in a column, by the columns to fill."""

    value: str
    """As a text, whatever the column holds."""
    fills: Mapping[str, Scalar]


@dataclass(frozen=True)
class FittedImpute:
    """Fills missing values with what was learned."""

    numbers: Mapping[str, float]
    texts: Mapping[str, str]
    booleans: Mapping[str, bool]
    by: str = ""
    """The column whose values have fills of their own; empty where there is none."""
    groups: tuple[Group, ...] = ()

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Fill; numbers become float64, so that a mean fits an integer column, and categories become texts."""
        import polars as pl

        fill = {**self.numbers, **self.texts, **self.booleans}
        # A filled enum that is grouped by its texts makes polars 2.1 give up, and has no place for a text of another kind.
        types = {**dict.fromkeys(self.numbers, pl.Float64), **dict.fromkeys(self.texts, pl.String)}
        exprs = []
        for name in present(frame, fill):
            column = pl.col(name).cast(types[name]) if name in types else pl.col(name)
            if self.by and present(frame, [self.by]):
                column = column.fill_null(self._of_group(name, types.get(name, pl.Boolean)))
            exprs.append(column.fill_null(pl.lit(fill[name])))
        return frame.with_columns(exprs)

    def _of_group(self, name: str, dtype: Any) -> pl.Expr:
        """Return what a row's group has for a column, null where it has nothing."""
        import polars as pl

        known = {group.value: group.fills[name] for group in self.groups if name in group.fills}
        if not known:
            return pl.lit(None, dtype=dtype)
        key = pl.col(self.by).cast(pl.String)
        return key.replace_strict(list(known), list(known.values()), default=None, return_dtype=dtype)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX; raises ExportError where groups are told by other columns than texts."""
        from ..onnx import fill_numbers, fill_text

        inputs = {**inputs, **self._groups_in_onnx(inputs)} if self.by in inputs else inputs
        fills = {name: float(value) for name, value in {**self.numbers, **self.booleans}.items() if name in inputs}
        out = {**inputs, **fill_numbers({name: inputs[name] for name in fills}, fills)}
        for name, text in self.texts.items():
            if name in out:
                out[name] = fill_text(out[name], text)
        return out

    def _groups_in_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return columns of which what is missing is filled where its group has something."""
        import spox.opset.ai.onnx.v21 as op

        from ..onnx import is_missing, is_number, texts_to

        key = inputs[self.by]
        if is_number(key):
            raise ExportError(
                f"transform 'impute' by '{self.by}', which holds numbers or booleans, cannot be said in ONNX",
                hint="choose packager=[skops], or cast it to texts at the source",
            )
        # All rows are told by what groups were there before any was filled.
        out = {}
        for name in [name for name in {**self.numbers, **self.booleans, **self.texts} if name in inputs]:
            known = [group for group in self.groups if name in group.fills]
            if known:
                nothing: Any = "" if name in self.texts else float("nan")
                fills: Any = [group.fills[name] for group in known]
                found = texts_to(key, [group.value for group in known], fills, nothing)
                out[name] = op.where(is_missing(inputs[name]), found, inputs[name])
        return out


class ImputeTransform(Transform):
    """Fill missing values with a statistic of the training rows, or of their group, or with a constant."""

    name = "impute"
    mends: ClassVar = {"missing_values": "transform=[impute]"}
    columns: tuple[str, ...] | Columns = ()
    """Columns to fill; by default every feature column that is a number, a text or a boolean."""
    number: Literal["mean", "median", "most_frequent", "constant"] = "median"
    """How numbers are filled."""
    text: Literal["most_frequent", "constant"] = "most_frequent"
    """How texts and booleans are filled."""
    number_value: float = 0.0
    """What `constant` fills into numbers."""
    text_value: str = "missing"
    """What `constant` fills into texts."""
    by: str | None = None
    """A column of texts, booleans or whole numbers whose values have statistics of their own, such as a region; values that are
    rare, missing or new go by those of all rows."""
    min_group: Annotated[int, Gt(0)] = 5
    """by: fewest training rows with a value that a statistic is taken from."""

    def fit(self, train: Dataset) -> FittedImpute:
        """Compute all statistics; raises DataError for a column with no value at all, ConfigError for one never filled."""
        train = train.weighing()
        schema = train.frame.collect_schema()
        names = choose(train, self.columns, "transform.impute.columns", KINDS)
        kinds = {name: column_kind(schema[name]) for name in names}
        weight = weight_of(train)
        stats = {name: self._statistic(name, kind, weight) for name, kind in kinds.items()}
        found = one_row(train.frame, [expr.alias(name) for name, expr in stats.items()])
        empty = [name for name, value in found.items() if value is None]
        if empty:
            raise DataError(
                f"impute cannot fill {', '.join(empty[:5])}: no training row has a value",
                hint="add them to roles.ignore",
            )
        texts = {n: str(v) for n, v in found.items() if kinds[n] == "string"}
        numbers = {n: float(v) for n, v in found.items() if kinds[n] == "number"}
        booleans = {n: bool(v) for n, v in found.items() if kinds[n] == "boolean"}
        by, groups = (self.by, self._groups(train, kinds, weight)) if self.by else ("", ())
        return FittedImpute(numbers, texts, booleans, by, groups)

    def _groups(self, train: Dataset, kinds: Mapping[str, str], weight: pl.Expr | None) -> tuple[Group, ...]:
        """Return the statistics of each value of `by` that enough rows hold, at most 1,000 of the most frequent ones."""
        import polars as pl

        assert self.by is not None
        schema = train.frame.collect_schema()
        require_columns([self.by], train.feature_columns(), "transform.impute.by")
        if kind_of(self.by, schema[self.by]) == "datetime" or schema[self.by].is_float():
            problem = Problem(
                "transform.impute.by", f"'{self.by}' holds {schema[self.by]}; texts, booleans or whole numbers do"
            )
            raise ConfigError("bad config for transform 'impute'", [problem])
        key = pl.col(self.by).cast(pl.String).alias(KEY)
        weighed = [train.roles.weight] if train.roles.weight else []
        rows = train.frame.select([key, *dict.fromkeys([*kinds, *weighed])]).collect().drop_nulls(KEY)
        sizes = rows[KEY].value_counts().filter(pl.col("count") >= self.min_group)
        values = sorted(sizes.sort(["count", KEY], descending=[True, False])[KEY].head(MOST_GROUPS).to_list())
        parts = rows.partition_by(KEY, as_dict=True)
        groups = []
        for value in values:
            part = parts[(value,)]
            names = [name for name in kinds if name != self.by and part[name].count() >= self.min_group]
            found = one_row(part.lazy(), [self._statistic(name, kinds[name], weight).alias(name) for name in names])
            groups.append(Group(value, _plain({name: one for name, one in found.items() if one is not None}, kinds)))
        return tuple(groups)

    def _statistic(self, name: str, kind: str, weight: pl.Expr | None) -> pl.Expr:
        import polars as pl

        column = pl.col(name)
        if kind == "number":
            if self.number == "constant":
                return pl.lit(self.number_value)
            if self.number in ("mean", "median"):
                finite = column.cast(pl.Float64)
                return mean(finite, weight) if self.number == "mean" else quantile(finite, weight, 0.5)
        elif self.text == "constant" and kind == "string":
            return pl.lit(self.text_value)
        return most_frequent(column, weight)


def _plain(found: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Scalar]:
    """Return values as the plain ones of their column's kind."""
    plain: Mapping[str, Any] = {"number": float, "string": str, "boolean": bool}
    return {name: plain[kinds[name]](value) for name, value in found.items()}


@dataclass(frozen=True)
class FittedNullValues:
    """Makes given values missing."""

    values: Mapping[str, tuple[Scalar, ...]]
    """Column -> the values that mean missing in it."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Put null in their place."""
        import polars as pl

        schema = frame.collect_schema()
        exprs = []
        for name in present(frame, self.values):
            column, kind = pl.col(name), column_kind(schema[name])
            # A value need be none of an Enum's categories, nor a whole number among whole numbers.
            looked_at = column.cast(pl.Boolean if kind == "boolean" else pl.String if kind == "string" else pl.Float64)
            found = looked_at.is_in([float(v) if kind == "number" else v for v in self.values[name]])
            exprs.append(pl.when(~found).then(column).alias(name))
        return frame.with_columns(exprs)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        from ..onnx import without_values

        held = {name: values for name, values in self.values.items() if name in inputs}
        return {**inputs, **{name: without_values(inputs[name], values) for name, values in held.items()}}


class NullValuesTransform(Transform):
    """Make values missing that stand for it in some columns, such as a length of 0 or an age of 999."""

    name = "null_values"
    values: Annotated[tuple[Scalar, ...], Len(1)]
    """Numbers, texts or booleans that mean missing; each is looked for in columns of its own type."""
    columns: tuple[str, ...] | Columns = ()
    """Columns to look at; by default every feature column of the types of `values`. The target may be named."""

    def fit(self, train: Dataset) -> FittedNullValues:
        """Choose the columns; raises ConfigError for one whose type none of the values has."""
        schema = train.frame.collect_schema()
        held = {kind: tuple(value for value in self.values if _kind(value) == kind) for kind in KINDS}
        kinds: list[ColumnKind] = [kind for kind in KINDS if held[kind]]
        names = choose(train, self.columns, "transform.null_values.columns", kinds, ", as values are")
        return FittedNullValues({name: held[column_kind(schema[name])] for name in names})


def _kind(value: Scalar) -> str:
    return "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
