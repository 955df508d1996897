"""Expressions of people in SQL's words: read, tried on rows, computed in float64, and said in ONNX."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from hookline.data.expressions.reading import QUOTED, Expression, NoExpressionError, unquoted
from hookline.data.expressions.reading import read as read_any
from hookline.data.expressions.tree import casts_in, functions_in
from hookline.errors import ConfigError, ExportError, Problem, suggestion
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.formats.words import ONNX

if TYPE_CHECKING:
    import polars as pl

ALONE = 20
"""Rows that are computed one by one too, and must come out as among the others."""
LARGEST = 1e37
"""Numbers beyond which products and powers are infinite, of which the two tell otherwise; a feature of float32 holds it."""

DECIMAL = re.compile(rf"{QUOTED.pattern}|(?<![\w.])(?P<decimal>\d+\.\d*|\.\d+)(?![\w.])")
"""A number with a decimal point, among whatever else stands in quotes."""


@dataclass(frozen=True)
class IsExpression:
    """Marks a config field as an expression of one row; one that is none is a problem at the field's path."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Add the check to the text's own schema."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(_checked, handler(source))


ExpressionText = Annotated[str, IsExpression()]


def read(text: str) -> Expression:
    """Return an expression in SQL's words; raises ValueError for what cannot be read, or looks at other rows than its own."""
    if "**" in (bare := unquoted(text)) or "^" in bare:
        raise ValueError(f"{text!r}: powers are written POWER(x, 2)")
    try:
        found = read_any(text)
    except NoExpressionError as error:
        told = {
            "words": f"cannot be read: {error.told}",
            "rows": f"looks at other rows than its own ({error.told}), which a request does not bring",
            "columns": "names no column; a text stands in single quotes, a column in double ones or none",
        }
        raise ValueError(f"{text!r} {told[error.why]}") from None
    if any("Strptime" in path for path in functions_in(found.tree)):
        raise ValueError(f"{text!r}: dates are read by transform=[parse_dates]")
    # A condition below NOT is cast to what it is.
    if any(cast["options"] == "Strict" and cast["dtype"] != {"Literal": "Boolean"} for cast in casts_in(found.tree)):
        told_of = "CAST fails on what it cannot read, a row that is asked among others; TRY_CAST makes that missing"
        raise ValueError(f"{text!r}: {told_of}")
    return found


def columns_of(text: str) -> tuple[str, ...]:
    """Return the columns that an expression names; none of one that cannot be read, as is told elsewhere."""
    try:
        return read(text).columns
    except ValueError:
        return ()


def parse(text: str, columns: Iterable[str], where: str, component: str) -> Expression:
    """Return an expression of some columns; raises ConfigError at the path `where`, also for a column that is not there."""
    try:
        found = read(text)
    except ValueError as error:
        raise ConfigError(f"bad config for transform '{component}'", [Problem(where, str(error))]) from None
    held = list(columns)
    for name in found.columns:
        if name not in held:
            known = [column for column in held if column != ROW_ID]
            message = f"{text!r} names '{name}', which is no column; {suggestion(name, known, 'column')}"
            raise ConfigError(f"bad config for transform '{component}'", [Problem(where, message)])
    return found


def require_computable(
    frame: pl.LazyFrame, make: Callable[[pl.LazyFrame], pl.LazyFrame], where: str, component: str
) -> pl.Schema:
    """Return the types of what is made of a frame.

    Raises ConfigError where polars cannot compute it, and where a row alone does not come out as it does among others.
    """
    import polars as pl
    from polars.testing import assert_frame_equal

    try:
        some = frame.head(ALONE).collect()
        together = make(some.lazy()).collect()
        alone = [make(row.lazy()).collect() for row in some.iter_slices(1)]
        make(frame.head(1_000)).collect()
        if alone:
            # Not to the last digit: a column is divided by a constant as it is multiplied by its inverse, a number is not.
            assert_frame_equal(pl.concat(alone), together, rel_tol=1e-9, abs_tol=1e-9)
        return make(frame).collect_schema()
    except AssertionError:
        problem = Problem(where, "what it makes of a row hangs on the rows beside it")
        raise ConfigError(f"bad config for transform '{component}'", [problem]) from None
    except (pl.exceptions.PolarsError, TypeError) as error:
        message = str(error).strip().splitlines()[0]
        raise ConfigError(f"bad config for transform '{component}'", [Problem(where, message)]) from None


def computed(frame: pl.LazyFrame, text: str) -> pl.Expr:
    """Return an expression of a frame's columns whose decimals are floats, as ONNX computes.

    What it makes of numbers is float64, and missing where it is not finite.
    """
    import polars as pl

    expr = _in_floats(text)
    if not frame.select(expr.alias("made")).collect_schema()["made"].is_numeric():
        return expr
    number = expr.cast(pl.Float64)
    return pl.when(number.is_finite()).then(number)


def decimal_in(node: Mapping[str, Any]) -> float | None:
    """Return the number that a literal with a decimal point means; None of anything else."""
    literal = node.get("Literal")
    scalar = literal.get("Scalar") if isinstance(literal, Mapping) else None
    held = scalar.get("Decimal") if isinstance(scalar, Mapping) else None
    return None if held is None else float(held[0]) / 10 ** int(held[2])


def lacking_in_onnx(texts: Mapping[str, str]) -> Mapping[str, str]:
    """Return which part of expressions has no word in ONNX, by what each goes by; nothing where all have.

    One that cannot be read is passed over, as that is told elsewhere.
    """
    from .onnx_words import lacking

    for name, text in texts.items():
        try:
            word = lacking(read(text).tree)
        except ValueError:
            continue
        if word:
            return {ONNX: f"{word}, in '{name}' = {text}"}
    return {}


def in_onnx(text: str, inputs: Mapping[str, Any], component: str) -> Any:
    """Say an expression as ONNX, a condition as 1, 0 or NaN; raises ExportError naming the part that has no word."""
    from .onnx_words import UnsaidError, column_of

    try:
        return column_of(read(text).tree, inputs)
    except UnsaidError as error:
        raise ExportError(
            f"transform '{component}' computes {text!r}, of which {error} cannot be said in ONNX",
            hint="choose packager=[skops]",
        ) from None


def _checked(text: str) -> str:
    read(text)
    return text


@lru_cache(maxsize=256)
def _in_floats(text: str) -> pl.Expr:
    import polars as pl

    return pl.sql_expr(DECIMAL.sub(lambda found: f"({found[0]}::DOUBLE)" if found["decimal"] else found[0], text))
