"""Reads an expression in SQL's words by polars' own parser, and refuses what is none of the columns of one row."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from .tree import Node, beyond_one_row

if TYPE_CHECKING:
    import polars as pl

QUOTED = re.compile(r"""'(?:[^']|'')*'|["](?:[^"]|"")*["]""")
"""Texts and names in quotes."""


@dataclass(frozen=True)
class Expression:
    """An expression that was read."""

    expr: pl.Expr
    tree: Node
    """The same as polars writes it."""
    columns: tuple[str, ...]
    """The columns that it names, in the order that they first stand in it."""


class NoExpressionError(ValueError):
    """A text is no expression of the columns of one row.

    why: `words` cannot be read, `rows` looks at other rows than its own, `columns` names none; told: which part it is about
    """

    def __init__(self, why: Literal["words", "rows", "columns"], told: str = "") -> None:
        super().__init__(why, told)
        self.why = why
        self.told = told

    def __str__(self) -> str:
        return f"{self.why}: {self.told}"


@lru_cache(maxsize=256)
def read(text: str) -> Expression:
    """Return an expression; raises NoExpressionError."""
    import polars as pl

    try:
        expr = pl.sql_expr(text)
        names = tuple(dict.fromkeys(expr.meta.root_names()))
        tree = _tree_of(expr)
        beyond = sorted(set(beyond_one_row(tree)))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise NoExpressionError("words", first_line(error)) from None
    except RecursionError:
        raise NoExpressionError("words", "it is nested too deeply") from None
    if beyond:
        raise NoExpressionError("rows", ", ".join(beyond))
    if not names:
        raise NoExpressionError("columns")
    return Expression(expr, tree, names)


def unquoted(text: str) -> str:
    """Return an expression without what stands in quotes."""
    return QUOTED.sub("", text)


def first_line(error: BaseException) -> str:
    """Return the first line of what polars says, which lists much more."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _tree_of(expr: pl.Expr) -> Node:
    with warnings.catch_warnings(action="ignore"):  # That its form may change: a part that is not known is refused.
        return json.loads(expr.meta.serialize(format="json"))
