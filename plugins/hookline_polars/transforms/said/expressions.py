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
any all any_ignore_nulls all_ignore_nulls pearson_correlation spearman_rank_correlation covariance
"""
OF_SEVERAL_ROWS = frozenset(_SEVERAL.split())
"""Words of polars that look at more rows than the one, or at none."""
ADVICE = {
    "strict_cast": "CAST fails on what it cannot read, a row that is asked among others; TRY_CAST makes that missing",
    "strptime": "dates are read by transform=[parse_dates]",
    "to_date": "dates are read by transform=[parse_dates]",
    "to_datetime": "dates are read by transform=[parse_dates]",
}
ALONE = 20
"""Rows that are computed one by one too, and must come out as among the others."""


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
    if advised := sorted(words & set(ADVICE)):
        raise refused(f"{text!r}: {ADVICE[advised[0]]}")
    if not names:
        raise refused(f"{text!r} names no column; a text stands in single quotes, a column in double ones or none")
    return expr


def require_computable(frame: pl.LazyFrame, exprs: Iterable[pl.Expr], where: str, component: str) -> pl.Schema:
    """Return the types of what expressions make of a frame.

    Raises ConfigError where polars cannot compute one, and where a row alone does not come out as it does among others.
    """
    import polars as pl

    listed = list(exprs)
    asked = frame.select(listed)
    try:
        some = frame.head(ALONE).collect()
        together = some.with_columns(listed)
        alone = [some.slice(place, 1).with_columns(listed) for place in range(some.height)]
        asked.head(1_000).collect()
        if alone and not pl.concat(alone).equals(together):
            problem = Problem(where, "what it makes of a row hangs on the rows beside it")
            raise ConfigError(f"bad config for transform '{component}'", [problem])
        return asked.collect_schema()
    except (pl.exceptions.PolarsError, TypeError) as error:
        message = str(error).strip().splitlines()[0]
        raise ConfigError(f"bad config for transform '{component}'", [Problem(where, message)]) from None


def _words(expr: pl.Expr) -> set[str]:
    """Return the functions of an expression, by its text without what stands in quotes."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', str(expr))
    return set(re.findall(r"\.(\w+)\(", bare))
