"""Expressions in SQL's words, which polars reads: of one row at a time, and of nothing but its columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hookline.errors import ConfigError, Problem, suggestion

if TYPE_CHECKING:
    import polars as pl

_SEVERAL = """
arg_max arg_min arg_sort bottom_k count cum_count cum_max cum_min cum_prod cum_sum diff explode first forward_fill gather
implode int_range interpolate last len max mean median min mode n_unique nan_max nan_min over product quantile rank reverse
rle sample shift shuffle skew sort sort_by std subplan sum tail top_k unique unique_counts value_counts var
"""
OF_SEVERAL_ROWS = frozenset(_SEVERAL.split())
"""Words of polars that look at more rows than the one, or at none."""


def parse(text: str, columns: Iterable[str], where: str, component: str) -> pl.Expr:
    """Return an expression in SQL's words as polars reads it.

    where: the config path, for the ConfigError of what polars cannot read, of a column that is not there, and of what looks at
        other rows than the one
    """
    import polars as pl

    def refused(message: str) -> ConfigError:
        return ConfigError(f"bad config for transform '{component}'", [Problem(where, message)])

    if "**" in text or "^" in text:
        raise refused(f"{text!r}: powers are written POWER(x, 2)")
    try:
        expr = pl.sql_expr(text)
        names = expr.meta.root_names()
    except pl.exceptions.PolarsError as error:
        raise refused(f"{text!r} cannot be read: {str(error).strip().splitlines()[0]}") from None
    held = list(columns)
    for name in names:
        if name not in held:
            raise refused(f"{text!r}: {suggestion(name, held, 'column') or f'there is no column {name!r}'}")
    words = _words(expr)
    if others := sorted(words & OF_SEVERAL_ROWS):
        raise refused(
            f"{text!r} looks at other rows than its own ({', '.join(others)}); learn it in a transform of your own"
        )
    if not names:
        raise refused(f"{text!r} names no column; a text stands in single quotes, a column in double ones or none")
    return expr


def require_computable(frame: pl.LazyFrame, exprs: Iterable[pl.Expr], where: str, component: str) -> pl.Schema:
    """Return the types of what expressions make of a frame; raises ConfigError where polars cannot compute one."""
    import polars as pl

    asked = frame.select(exprs)
    try:
        asked.head(100).collect()
        return asked.collect_schema()
    except (pl.exceptions.PolarsError, TypeError) as error:
        message = str(error).strip().splitlines()[0]
        raise ConfigError(f"bad config for transform '{component}'", [Problem(where, message)]) from None


def _words(expr: pl.Expr) -> set[str]:
    """Return the functions of an expression, by its text without what stands in quotes."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', str(expr))
    return set(re.findall(r"\.(\w+)\(", bare))
