"""Columns that summarize all rows of a thing, the later ones too, as nobody could at the time of the row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hookline.kinds.artifacts import ROW_ID, Split
from hookline.kinds.reports import Finding

from ..groups import says_which
from ..sides import examples
from .encodings import MOST_KEYS, NEARLY
from .whole import TRUTH, Things

if TYPE_CHECKING:
    import polars as pl

MOST_NUMBERS = 30
LEAST_ROWS, LEAST_VALUES = 50, 5
UNLIKE = 0.2
"""Share of the rows whose value cannot come of the rows up to theirs."""
SUMMARIES = ("count", "sum", "mean", "min", "max")


def find_futures(split: Split, target: str, labels: Sequence[pl.Series]) -> Iterator[Finding]:
    """Yield a finding for each number that is a sum, mean, count, smallest or largest of all rows of a thing.

    Asked only where `roles.time` says when rows happened. It must equal the summary over all rows, and in one row of five or
    more not the summary of those up to its time: so what does not change over time, and what is summed rightly, is let be.
    """
    import polars as pl

    time = split.train.roles.time
    if not time:
        return
    schema = split.train.frame.collect_schema()
    features = split.train.feature_columns()
    group = [split.train.roles.group] if split.train.roles.group else []
    named = [name for name in features if says_which(name) and (schema[name] == pl.String or schema[name].is_integer())]
    keys = [*dict.fromkeys([*group, *named])][:MOST_KEYS]
    numbers = [name for name in features if schema[name].is_numeric() and name not in keys][:MOST_NUMBERS]
    if not keys or not numbers:
        return
    # A target that is a number may have been summed too.
    truth = pl.concat([label.cast(pl.String).cast(pl.Float64, strict=False) for label in labels])
    values = {name: name for name in numbers} | ({target: TRUTH} if truth.is_not_null().any() else {})
    things, told = Things(split, [time, *keys, *numbers], truth), set[str]()
    for key in keys:
        frame = things.rows(key, [time, *numbers])
        frame = frame.filter(pl.col(time).is_not_null()).sort(time)
        for column in numbers:
            found = None if column in told else _summary(frame, key, column, values, time)
            if found is not None:
                told.add(column)
                yield _finding(column, key, *found)


def _finding(column: str, key: str, what: str, share: float, rows: tuple[int, ...]) -> Finding:
    text = (
        f"'{column}' is the {what} by '{key}' over all rows, later ones too: in {share:.0%} of the rows it cannot come of "
        f"those up to their time. Sum up to the row, as source=join does, or roles.ignore=[{column}]."
    )
    return Finding(column, "future_rows", share, UNLIKE, "critical", text, rows)


def _summary(
    frame: pl.DataFrame, key: str, column: str, values: dict[str, str], time: str
) -> tuple[str, float, tuple[int, ...]] | None:
    """Return what a column is a summary of, with the share and the first of the rows that it cannot be so yet."""
    import polars as pl

    held = frame.filter(pl.col(key).is_not_null() & pl.col(column).is_not_null())
    several = pl.len().over(key) > 1
    if held.height < LEAST_ROWS or held[column].n_unique() < LEAST_VALUES:
        return None
    # What is one number a thing is looked at; most columns are not.
    constant = (
        held.group_by(key).agg(pl.col(column).n_unique().alias("n"), pl.len().alias("rows")).filter(pl.col("rows") > 1)
    )
    if constant.height < LEAST_VALUES or constant.filter(pl.col("n") == 1).height < NEARLY * constant.height:
        return None
    rows = held.filter(several)
    for name, stored in values.items():
        if name == column:
            continue
        for summary in SUMMARIES if name == next(iter(values)) or len(values) == 1 else SUMMARIES[1:]:
            whole, sofar = _expressions(summary, stored, key, time)
            made = rows.select(ROW_ID, e=pl.col(column).cast(pl.Float64), whole=whole, sofar=sofar)
            same = ((pl.col("e") - pl.col("whole")).abs() <= 1e-9 * (1 + pl.col("e").abs())).fill_null(value=False)
            if made.select(same.mean()).item() < NEARLY:
                continue
            unlike = made.filter(
                ((pl.col("e") - pl.col("sofar")).abs() > 1e-9 * (1 + pl.col("e").abs())).fill_null(value=True)
            )
            share = unlike.height / max(1, made.height)
            if share >= UNLIKE:
                what = "count of rows" if summary == "count" else f"{summary} of '{name}'"
                return what, share, examples(unlike[ROW_ID].sort().to_list())
    return None


def _expressions(summary: str, value: str, key: str, time: str) -> tuple[pl.Expr, pl.Expr]:
    """Return a summary over all rows of a thing, and over those up to the time of each, the others of that time included."""
    import polars as pl

    x = pl.col(value).cast(pl.Float64)
    sofar = {
        "count": pl.int_range(1, pl.len() + 1).cast(pl.Float64),
        "sum": x.fill_null(0).cum_sum(),
        "mean": x.fill_null(0).cum_sum() / x.is_not_null().cast(pl.Float64).cum_sum(),
        "min": x.cum_min().forward_fill(),
        "max": x.cum_max().forward_fill(),
    }[summary]
    whole = pl.len().cast(pl.Float64) if summary == "count" else getattr(x, summary)()
    # Of rows of one moment the last has them all.
    return whole.over(key), sofar.over(key).last().over([key, time])
