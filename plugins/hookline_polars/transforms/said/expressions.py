"""Expressions in SQL's words, which polars reads: of one row at a time, and of nothing but its columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from hookline.errors import ConfigError, ExportError, Problem, suggestion
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.formats.words import ONNX

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


def read(text: str) -> pl.Expr:
    """Return an expression in SQL's words; raises ValueError for what cannot be read, or looks at other rows than its own."""
    import polars as pl

    if "**" in text or "^" in text:
        raise ValueError(f"{text!r}: powers are written POWER(x, 2)")
    try:
        expr = pl.sql_expr(text)
        names = expr.meta.root_names()
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{text!r} cannot be read: {str(error).strip().splitlines()[0]}") from None
    words = _words(expr)
    if others := sorted(words & OF_SEVERAL_ROWS):
        told = f"looks at other rows than its own ({', '.join(others)}), which a request does not bring"
        raise ValueError(f"{text!r} {told}")
    if advised := sorted(words & set(ADVICE)):
        raise ValueError(f"{text!r}: {ADVICE[advised[0]]}")
    if not names:
        raise ValueError(f"{text!r} names no column; a text stands in single quotes, a column in double ones or none")
    return expr


def require_readable(texts: Mapping[str, str]) -> None:
    """Raise ValueError for expressions that cannot be read, each by the name that it goes by."""
    bad = []
    for name, text in texts.items():
        try:
            read(text)
        except ValueError as error:
            bad.append(f"{name}: {error}")
    if bad:
        raise ValueError("; ".join(bad))


def parse(text: str, columns: Iterable[str], where: str, component: str) -> pl.Expr:
    """Return an expression of some columns; raises ConfigError at the path `where`, also for a column that is not there."""
    try:
        expr = read(text)
    except ValueError as error:
        raise ConfigError(f"bad config for transform '{component}'", [Problem(where, str(error))]) from None
    held = list(columns)
    for name in expr.meta.root_names():
        if name not in held:
            known = [column for column in held if column != ROW_ID]
            message = f"{text!r}: {name!r} is not a column; {suggestion(name, known, 'column')}"
            raise ConfigError(f"bad config for transform '{component}'", [Problem(where, message)])
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
    # A condition below NOT is cast to what it is.
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', str(expr)).replace(".strict_cast(Boolean)", "")
    return set(re.findall(r"\.(\w+)\(", bare))


def computed(frame: pl.LazyFrame, exprs: Mapping[str, pl.Expr]) -> pl.LazyFrame:
    """Add or replace columns by expressions of the columns as they came; whole numbers count as float64 in them.

    What they make of numbers is float64, and missing where it is not finite, as after a division by 0.
    """
    import polars as pl

    schema = frame.collect_schema()
    used = sorted({name for expr in exprs.values() for name in expr.meta.root_names()})
    whole = [name for name in used if schema[name].is_integer() or schema[name].is_decimal()]
    kept = {f"\0{name}": name for name in whole if name not in exprs}
    wide = frame.with_columns(pl.col(name).alias(saved) for saved, name in kept.items())
    wide = wide.with_columns(pl.col(name).cast(pl.Float64) for name in whole)
    types = wide.select(expr.alias(name) for name, expr in exprs.items()).collect_schema()
    made = []
    for name, expr in exprs.items():
        if types[name].is_numeric():
            number = expr.cast(pl.Float64)
            expr = pl.when(number.is_finite()).then(number)
        made.append(expr.alias(name))
    back = [pl.col(saved).alias(name) for saved, name in kept.items()]
    return wide.with_columns(made).with_columns(back).drop(list(kept))


def lacking_in_onnx(texts: Iterable[str]) -> Mapping[str, str]:
    """Return which part of expressions has no word in ONNX; nothing where all have, or cannot be read, as is told elsewhere."""
    import polars as pl

    from .onnx_words import UnsaidError, require_words

    for text in texts:
        try:
            require_words(pl.sql_expr(text))
        except UnsaidError as error:
            return {ONNX: f"{error}, in {text!r}"}
        except pl.exceptions.PolarsError:
            continue
    return {}


def in_onnx(text: str, inputs: Mapping[str, Any], component: str) -> Any:
    """Say an expression as ONNX; raises ExportError naming the part that has no word."""
    import polars as pl

    from .onnx_words import UnsaidError, said

    try:
        return said(pl.sql_expr(text), inputs)
    except UnsaidError as error:
        raise ExportError(
            f"transform '{component}' computes {text!r}, of which {error} cannot be said in ONNX",
            hint="choose packager=[skops]",
        ) from None
