"""Columns computed by expressions that are written as text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from hookline import Dataset, Derived, Roles, Transform
from hookline.errors import DataError
from hookline.kinds.formats.words import ONNX

from .base import require

if TYPE_CHECKING:
    import polars as pl

SHAPES = frozenset({"BinaryExpr", "Cast", "Column", "Function", "Literal", "Ternary"})
"""Words of an expression that look at one row alone."""
_ACROSS = """
    Shift ShiftAndFill Diff Rank CumCount CumSum CumProd CumMin CumMax Reverse Unique FillNullWithStrategy RollingExpr
    RollingExprBy Interpolate IsDuplicated IsUnique IsFirstDistinct IsLastDistinct Any All PctChange ValueCounts Mode ArgMin
    ArgMax ArgUnique Random
"""
ACROSS = frozenset(_ACROSS.split())
"""Functions that look at other rows."""


@dataclass(frozen=True)
class IsExpression:
    """Marks a config field as an expression in the text form of polars; one that is none is a problem at the field's path."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Add the check to the text's own schema."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(_checked, handler(source))


class ExpressionsTransform(Transform):
    """Add columns that expressions of one row compute: `columns={per_visit: "spend / NULLIF(visits, 0)"}`.

    They are written as `polars.sql_expr` takes them: `+ - * /`, comparisons, AND, OR, NOT, CASE WHEN, COALESCE, ABS, LN, SQRT,
    LOWER, EXTRACT and more. What looks at other rows, such as AVG(x) or SUM(x) OVER (...), is refused: a row that is answered
    comes alone. A later expression may use the columns of those before it.
    """

    name = "expressions"
    columns: Mapping[str, Annotated[str, IsExpression()]]
    """New column -> its expression."""

    def fit(self, train: Dataset) -> ExpressionsTransform:
        """Check the columns; raises DataError, also for an expression that such columns do not go into."""
        import polars as pl

        outer: dict[str, Derived] = {}
        for new, derived in self.added().items():
            # Those before it are no columns of the rows yet.
            outer[new] = Derived(tuple(name for name in derived.inputs if name not in outer), derived.definition)
        require(self.name, train, outer)
        try:
            self.transform(train.frame).collect_schema()
        except pl.exceptions.PolarsError as error:
            told = str(error).splitlines()[0]
            raise DataError(f"transform.expressions.columns: {told}", hint="look at the types of the columns") from None
        return self

    def added(self) -> Mapping[str, Derived]:
        """Return the columns with their expressions."""
        return {new: Derived(tuple(_inputs(text)), text) for new, text in self.columns.items()}

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the columns; a number that is none, such as 0 / 0, is missing."""
        schema = frame.collect_schema()
        for new, text in self.columns.items():
            whole = frozenset(name for name in _inputs(text) if name in schema and schema[name].is_integer())
            made = _computing(text, whole).alias(new)
            dtype = frame.select(made).collect_schema()[new]
            frame = frame.with_columns(made.fill_nan(None) if dtype.is_float() else made)
            schema[new] = dtype
        return frame

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Name the first expression with a word that ONNX lacks."""
        from .expressions_onnx import lacking

        for new, text in self.columns.items():
            if word := lacking(parsed(text)):
                return {ONNX: f"{word}, in '{new}' = {text}"}
        return {}

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX; raises ExportError where it has no word for something."""
        from .expressions_onnx import column_of

        made = dict(inputs)
        for new, text in self.columns.items():
            made[new] = column_of(parsed(text), made, f"'{new}' = {text}")
        return made


@cache
def _expression(text: str) -> pl.Expr:
    import polars as pl

    return pl.sql_expr(text)


@cache
def parsed(text: str) -> Any:
    """Return an expression as polars' own tree of it, in plain values."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # That the form of the tree is polars' own.
        return json.loads(_expression(text).meta.serialize(format="json"))


@cache
def _computing(text: str, whole: frozenset[str]) -> pl.Expr:
    """Return an expression that computes with float64, as ONNX does, where its text has decimals or columns of integers.

    whole: the columns of integers
    """
    import warnings
    from io import StringIO

    import polars as pl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # As above.
        return pl.Expr.deserialize(StringIO(json.dumps(_in_floats(parsed(text), whole))), format="json")


def _in_floats(node: Any, whole: frozenset[str]) -> Any:
    if isinstance(node, list):
        return [_in_floats(one, whole) for one in node]
    if not isinstance(node, Mapping):
        return node
    if node.get("Column") in whole:
        return {"Cast": {"expr": dict(node), "dtype": {"Literal": "Float64"}, "options": "NonStrict"}}
    if (value := decimal_in(node)) is not None:
        return {"Literal": {"Dyn": {"Float": value}}}
    return {key: one if key == "Column" else _in_floats(one, whole) for key, one in node.items()}


def decimal_in(node: Mapping[str, Any]) -> float | None:
    """Return the number that a literal with a decimal point means; None of anything else."""
    literal = node.get("Literal")
    scalar = literal.get("Scalar") if isinstance(literal, Mapping) else None
    held = scalar.get("Decimal") if isinstance(scalar, Mapping) else None
    return None if held is None else float(held[0]) / 10 ** int(held[2])


def _inputs(text: str) -> list[str]:
    return list(dict.fromkeys(_expression(text).meta.root_names()))


def _checked(text: str) -> str:
    import polars as pl

    try:
        tree = parsed(text)
        beyond = next(_beyond_one_row(tree), None)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"must be an expression, got {text!r}: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ValueError("must be an expression, and is nested too deeply") from None
    if beyond:
        raise ValueError(f"must look at one row alone, and {text!r} has {beyond}")
    if not _inputs(text):
        raise ValueError(f"must be computed from a column, got {text!r}")
    return text


def _beyond_one_row(node: Any) -> Iterator[str]:
    """Yield the words of an expression's tree that look at other rows, or are none of an expression that we know."""
    if isinstance(node, str):
        yield node
    if not isinstance(node, Mapping):
        return
    for shape, held in node.items():
        if shape not in SHAPES:
            yield shape
        elif shape == "Function":
            yield from (word for word in _words(held["function"]) if word in ACROSS)
            for one in held["input"]:
                yield from _beyond_one_row(one)
        elif shape == "BinaryExpr":
            yield from _beyond_one_row(held["left"])
            yield from _beyond_one_row(held["right"])
        elif shape == "Ternary":
            for part in ("predicate", "truthy", "falsy"):
                yield from _beyond_one_row(held[part])
        elif shape == "Cast":
            yield from _beyond_one_row(held["expr"])


def _words(function: Any) -> Iterator[str]:
    if isinstance(function, str):
        yield function
    elif isinstance(function, Mapping):
        for name, inner in function.items():
            yield name
            yield from _words(inner)
