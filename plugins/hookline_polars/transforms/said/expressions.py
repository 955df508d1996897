"""New or changed columns that expressions say, in training and at inference alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Len

from hookline import Dataset, Derived, Limit, Roles, Transform
from hookline.errors import ConfigError, DataError, Problem
from hookline.kinds.artifacts import ROW_ID

from .reading import LARGEST, ExpressionText, columns_of, computed, in_onnx, lacking_in_onnx, parse, require_computable

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FittedExpressions:
    """Computes columns of others."""

    columns: Mapping[str, str]
    """Column -> the expression that makes it, in the order that they are computed in."""
    replaced: tuple[str, ...]
    """Those of them that the rows have already."""
    target: str = ""

    def added(self) -> Mapping[str, Derived]:
        """Return the columns with their expressions, new ones before those that are replaced, which come last in a row's way."""
        new = [name for name in self.columns if name not in self.replaced]
        changed = [name for name in self.replaced if name != self.target]
        return _derived({name: self.columns[name] for name in (*new, *changed)})

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Compute the columns, whole numbers being float64 meanwhile; the target is passed over where it is not there."""
        import polars as pl

        schema = frame.collect_schema()
        used = dict.fromkeys(name for text in self.columns.values() for name in columns_of(text) if name in schema)
        whole = [name for name in used if schema[name].is_integer() or schema[name].is_decimal()]
        saved = {f"\0{name}": name for name in whole}
        wide = frame.with_columns(pl.col(name).alias(place) for place, name in saved.items())
        wide = wide.with_columns(pl.col(name).cast(pl.Float64) for name in whole)
        changed = {name: pl.col(place) for place, name in saved.items()}
        for name, text in self.columns.items():
            if name == self.target and name not in schema:
                continue
            expr = computed(wide, text)
            if name in self.replaced:
                # Not yet: expressions after it are of the column as it came.
                changed[name] = expr
            else:
                wide = wide.with_columns(expr.alias(name))
        return wide.with_columns(expr.alias(name) for name, expr in changed.items()).drop(list(saved))

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX; raises ExportError for what has no word there."""
        import spox.opset.ai.onnx.v21 as op

        from ...onnx import is_number, number

        known: dict[str, Any] = dict(inputs)
        changed: dict[str, Any] = {}
        for name, text in self.columns.items():
            if name == self.target:
                continue
            made = in_onnx(text, known, "expressions")
            if is_number(made):
                made = op.where(op.isinf(made), number(float("nan")), made)
            (changed if name in self.replaced else known)[name] = made
        return known | changed

    def onnx_limit(self) -> Limit | None:
        """Return where products of numbers are no longer finite."""
        return Limit(LARGEST, "transform 'expressions' computes numbers, whose products are infinite there")


class ExpressionsTransform(Transform):
    """Add or replace columns by expressions of one row: `columns={bmi: "weight / POWER(height, 2)"}`.

    They are SQL's, as polars reads them: `+ - * /`, comparisons, AND, OR, NOT, CASE WHEN, COALESCE, ABS, LN, SQRT, LOWER, EXTRACT
    and more. Whole numbers count as float64 in them, and a number that is not finite, as after a division by 0, is missing.
    What looks at other rows, such as AVG(x) or SUM(x) OVER (...), is refused: a row that is answered comes alone.
    """

    name = "expressions"
    columns: Annotated[Mapping[str, ExpressionText], Len(1)]
    """Column -> its expression, of the columns as they came, and of new ones that those before it add."""

    def fit(self, train: Dataset) -> FittedExpressions:
        """Read the expressions, and try them on the first rows.

        Raises ConfigError for what cannot be read or computed, for a column that a model must not see, and for what looks at
        other rows; DataError for what no feature is made of. The target may be replaced by what is made of it alone.
        """
        names = [name for name in train.frame.collect_schema().names() if name != ROW_ID]
        known = list(names)
        for name, text in self.columns.items():
            _require_open(
                name, parse(text, known, f"transform.expressions.columns.{name}", self.name).columns, train.roles
            )
            known += [] if name in known else [name]
        replaced = tuple(name for name in self.columns if name in names)
        fitted = FittedExpressions(dict(self.columns), replaced, train.roles.target or "")
        made = require_computable(train.frame, fitted.transform, "transform.expressions.columns", self.name)
        for name in self.columns:
            if made[name].is_nested():
                told = f"transform.expressions.columns.{name} makes {made[name]}, of which no feature is made"
                raise DataError(told, hint="take one value of it")
        return fitted

    def added(self) -> Mapping[str, Derived]:
        """Return the columns with their expressions."""
        return _derived(self.columns)

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say which part of an expression has no word in ONNX; that of the target needs none."""
        return lacking_in_onnx({name: text for name, text in self.columns.items() if name != roles.target})


def _require_open(name: str, used: tuple[str, ...], roles: Roles) -> None:
    """Raise ConfigError for a column that keeps its role, and for one that is made of what a model must not see."""
    where, hidden = f"transform.expressions.columns.{name}", roles.not_features()
    if name == roles.target and set(used) == {name}:
        return
    if name in hidden and name != roles.target:
        raise _refused(where, f"'{name}' has a role, and stays as it is")
    if told := sorted(set(used) & hidden - {name}):
        raise _refused(where, f"'{told[0]}' is no feature, and is not there when a model is asked")
    if name == roles.target:
        raise _refused(where, "the target may be made of itself alone")


def _derived(columns: Mapping[str, str]) -> dict[str, Derived]:
    return {name: Derived(columns_of(text), text) for name, text in columns.items()}


def _refused(where: str, message: str) -> ConfigError:
    return ConfigError("bad config for transform 'expressions'", [Problem(where, message)])
