"""Rows on both sides of a split: twins, one id twice, one group, and training rows that are later than held-out ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hookline.kinds.artifacts import ROW_ID, Dataset, Split, Target
from hookline.kinds.reports import Finding, Severity

from .sides import EXAMPLES, examples

if TYPE_CHECKING:
    import polars as pl

OFTEN = 0.01
"""Share of held-out rows with a twin from which on it is a warning."""
ID_LIKE = 0.99
"""A text or whole number with a value of its own in this share of rows names them."""


def find_twins(split: Split, labels: Sequence[pl.Series]) -> pl.DataFrame:
    """Return held-out rows that equal a training row in every feature: row ids `test` and `train`, and `same`, of the target.

    labels: the target of all training rows and of all held-out rows, first, after transforms
    """
    import polars as pl

    features = pl.struct(split.train.feature_columns()).hash(0).alias("hash")
    train, test = (
        part.frame.select(ROW_ID, features).collect().with_columns(target=column.hash(0))
        for part, column in zip((split.train, split.test), labels[:2], strict=True)
    )
    twin = train.rename({ROW_ID: "train"}).filter(pl.col("hash").is_in(test["hash"].implode()))
    found = test.rename({ROW_ID: "test"}).filter(pl.col("hash").is_in(twin["hash"].implode()))
    alike = twin.group_by("hash", "target").agg(pl.col("train").min())
    first = twin.group_by("hash").agg(pl.col("train").min().alias("first"))
    found = found.join(first, on="hash").join(alike, on=["hash", "target"], how="left")
    same = pl.col("train").is_not_null()
    return found.select("test", train=pl.coalesce("train", "first"), same=same).sort("test")


def find_unseen(split: Split, target: Target, labels: Sequence[pl.Series]) -> Iterator[Finding]:
    """Find classes that only held-out rows have, which no model can learn to predict; `labels` as in `find_twins`."""

    if not target.classes:
        return
    train, test = labels[:2]
    strange = ~test.is_in(train.drop_nulls().unique().implode()) & test.is_not_null()
    unseen = [str(label) for label in test.filter(strange).unique().sort().to_list()]
    if unseen:
        rows = split.test.frame.select(ROW_ID).collect()[ROW_ID].filter(strange)
        named = f"{', '.join(unseen[:5])}{', ...' if len(unseen) > 5 else ''}"
        text = f"no training row is of class {named}: it cannot be predicted."
        yield Finding(target.name, "unseen_classes", float(len(unseen)), 0.0, "warning", text, examples(rows.to_list()))


def find_overlaps(
    split: Split, twins: pl.DataFrame, rows: tuple[int, int], against_repeats: Sequence[str]
) -> Iterator[Finding]:
    """Yield what is found; `rows` counts those of training and of the held-out part, the rest as `audit` takes it."""
    yield from _duplicates(split, twins, rows[1], against_repeats)
    yield from _id_like(split.train, rows[0])
    yield from _repeated_ids(split, rows[1])
    yield from _groups(split)
    yield from _future(split)


def _duplicates(split: Split, twins: pl.DataFrame, rows: int, against: Sequence[str]) -> Iterator[Finding]:
    if not twins.height:
        return
    share = twins.height / rows
    severity: Severity = "warning" if share >= OFTEN else "info"
    same = int(twins["same"].sum())
    text = (
        f"{twins.height:,} held-out rows ({share:.1%}) have a twin among the training rows, "
        f"{same:,} of them with the same '{split.train.roles.target}'"
    )
    heart = ": those are judged by heart."
    if against:
        heart += f" {' or '.join(against)} drops rows that repeat another whole."
    text += heart if same else ": no column tells them apart."
    pairs = twins.sort("same", descending=True, maintain_order=True).head(EXAMPLES // 2)
    yield Finding(
        "rows", "duplicates", share, OFTEN, severity, text, examples(pairs.select("test", "train").to_numpy().ravel())
    )


def _id_like(train: Dataset, rows: int) -> Iterator[Finding]:
    import polars as pl

    schema = train.frame.collect_schema()
    names = [name for name in train.feature_columns() if schema[name].is_integer() or schema[name] == pl.String]
    if not names or rows < 50:
        return
    distinct = train.frame.select(pl.col(name).n_unique() for name in names).collect().row(0, named=True)
    for name, count in distinct.items():
        if count / rows >= ID_LIKE:
            text = f"'{name}' has a value of its own in nearly every row, so it names rows: roles.id={name}, or roles.ignore?"
            repeats = _rows(train.frame.filter(pl.col(name).is_duplicated()))
            yield Finding(name, "distinct_share", count / rows, ID_LIKE, "warning", text, repeats)


def _repeated_ids(split: Split, rows: int) -> Iterator[Finding]:
    import polars as pl

    name = split.train.roles.id
    if not name or name == split.train.roles.group:
        return
    known = split.train.frame.select(pl.col(name).drop_nulls().unique())
    both = split.test.frame.join(known, on=name, how="semi").select(ROW_ID).sort(ROW_ID).collect()[ROW_ID]
    if len(both):
        text = (
            f"{len(both):,} held-out rows have an id '{name}' that training rows have too: one thing is on both sides. "
            f"roles.group={name} keeps its rows together."
        )
        yield Finding(name, "ids_on_both_sides", len(both) / rows, 0.0, "warning", text, examples(both.to_list()))


def _groups(split: Split) -> Iterator[Finding]:
    import polars as pl

    group = split.train.roles.group
    if not group or split.method == "group":
        return
    both = split.test.frame.join(split.train.frame.select(pl.col(group).drop_nulls().unique()), on=group, how="semi")
    count = int(both.select(pl.col(group).n_unique()).collect().item())
    if count:
        text = f"{count:,} groups of '{group}' are on both sides of the split; split.method=group keeps them apart."
        yield Finding(group, "groups_on_both_sides", float(count), 0.0, "warning", text, _rows(both))


def _future(split: Split) -> Iterator[Finding]:
    import polars as pl

    time = split.train.roles.time
    if not time or split.method == "time":
        return
    first = split.test.frame.select(pl.col(time).min()).collect().item()
    later = pl.col(time) > first
    share = split.train.frame.select(later.mean()).collect().item()
    if share:
        text = f"{share:.0%} of training rows are later than the first held-out one; split.method=time tests on the future."
        rows = _rows(split.train.frame.filter(later))
        yield Finding(time, "trained_on_the_future", float(share), 0.0, "warning", text, rows)


def _rows(frame: pl.LazyFrame) -> tuple[int, ...]:
    return examples(frame.select(ROW_ID).sort(ROW_ID).head(EXAMPLES).collect()[ROW_ID].to_list())
