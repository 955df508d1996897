"""New or changed columns that expressions say, in training and at inference alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Len

from hookline import Dataset, Transform
from hookline.errors import ConfigError, DataError, Problem

from ...columns import present
from .expressions import parse, require_computable

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FittedExpression:
    """Computes columns of others."""

    columns: Mapping[str, str]
    """Column -> the expression that makes it."""
    inputs: tuple[str, ...]
    """The columns of the training rows, among which expressions were read."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Compute all of them from the columns as they came; one whose columns are not all there is passed over."""
        exprs = []
        for name, text in self.columns.items():
            expr = parse(text, self.inputs, f"transform.expression.columns.{name}", "expression")
            needed = set(expr.meta.root_names())
            if len(present(frame, needed)) == len(needed):
                exprs.append(expr.alias(name))
        return frame.with_columns(exprs)


class ExpressionTransform(Transform):
    """Add or replace columns by expressions of others: `transform.expression.columns={bmi: "weight / POWER(height, 2)"}`."""

    name = "expression"
    columns: Annotated[Mapping[str, str], Len(1)]
    """Column -> an expression in SQL's words, as polars reads them: of its own row, all of them from the columns as they came."""

    def refuses_onnx(self) -> str | None:
        """Say that it is polars'."""
        return "computes expressions of polars"

    def fit(self, train: Dataset) -> FittedExpression:
        """Read the expressions, and try them on the first rows.

        Raises ConfigError for what cannot be read or computed, for a column that a model must not see, and for what looks at
        other rows. The target may be replaced by what is made of it alone.
        """
        names = train.frame.collect_schema().names()
        target, hidden = train.roles.target, train.roles.not_features()
        exprs = []
        for name, text in self.columns.items():
            where = f"transform.expression.columns.{name}"
            expr = parse(text, names, where, self.name)
            used = set(expr.meta.root_names())
            if name in hidden and name != target:
                raise _refused(where, f"'{name}' has a role, and stays as it is")
            allowed = {target} if name == target else set()
            if told := sorted((used & hidden) - allowed):
                raise _refused(where, f"'{told[0]}' is no feature, and is not there when a model is asked")
            if name == target and used != {target}:
                raise _refused(where, "the target may be made of itself alone")
            exprs.append(expr.alias(name))
        made = require_computable(train.frame, exprs, "transform.expression.columns", self.name)
        nested = [name for name, dtype in made.items() if dtype.is_nested()]
        if nested:
            raise DataError(
                f"transform.expression.columns.{nested[0]} makes {made[nested[0]]}, of which no feature is made"
            )
        return FittedExpression(dict(self.columns), tuple(names))


def _refused(where: str, message: str) -> ConfigError:
    return ConfigError("bad config for transform 'expression'", [Problem(where, message)])
