"""New or changed columns that expressions say, in training and at inference alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Len

from hookline import Dataset, Limit, Roles, Transform
from hookline.errors import ConfigError, DataError, Problem

from ...columns import present
from .expressions import computed, in_onnx, lacking_in_onnx, parse, require_computable, require_readable
from .onnx_words import LARGEST

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FittedExpression:
    """Computes columns of others."""

    columns: Mapping[str, str]
    """Column -> the expression that makes it."""
    inputs: tuple[str, ...]
    """The columns of the training rows, among which expressions were read."""
    target: str = ""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Compute all of them from the columns as they came; one whose columns are not all there is passed over."""
        exprs = {}
        for name, text in self.columns.items():
            expr = parse(text, self.inputs, f"transform.expression.columns.{name}", "expression")
            needed = set(expr.meta.root_names())
            if len(present(frame, needed)) == len(needed):
                exprs[name] = expr
        return computed(frame, exprs)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX; raises ExportError for what has no word there."""
        import spox.opset.ai.onnx.v21 as op

        from ...onnx import number

        made = {name: in_onnx(text, inputs, "expression") for name, text in self.columns.items() if name != self.target}
        finite = {name: op.where(op.isinf(column), number(float("nan")), column) for name, column in made.items()}
        return {**inputs, **finite}

    def onnx_limit(self) -> Limit | None:
        """Return where products of numbers are no longer finite."""
        return Limit(LARGEST, "transform 'expression' computes numbers, whose products are infinite there")


class ExpressionTransform(Transform):
    """Add or replace columns by expressions of others: `transform.expression.columns={bmi: "weight / POWER(height, 2)"}`."""

    name = "expression"
    columns: Annotated[Mapping[str, str], Len(1)]
    """Column -> an expression in SQL's words, as polars reads them: of its own row, all of them from the columns as they came."""

    def __post_init__(self) -> None:
        require_readable(self.columns)

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say which part of an expression has no word in ONNX."""
        return lacking_in_onnx(self.columns.values())

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
        return FittedExpression(dict(self.columns), tuple(names), target or "")


def _refused(where: str, message: str) -> ConfigError:
    return ConfigError("bad config for transform 'expression'", [Problem(where, message)])
