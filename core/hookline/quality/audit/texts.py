"""Features that stand as texts in the training rows, and are numbers or dates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookline.kinds.reports import Finding
from hookline.registry.remedies import Remedies

from ..disguises import disguise_of

if TYPE_CHECKING:
    import polars as pl

FIRST = 100
"""Rows that are looked at first: where few of their texts hold a digit, a column is let be."""
ROWS = 20_000
"""Rows that are looked at."""


def find_disguises(train: pl.LazyFrame, names: list[str], remedies: Remedies) -> Iterator[Finding]:
    """Find features that hold numbers or dates as texts, each with what to type.

    train: training rows after transforms; names: its features; remedies: asked what to do, for the run's config
    """
    import polars as pl

    schema = train.collect_schema()
    texts = [name for name in names if schema.get(name) == pl.String]
    if not texts:
        return
    first = train.select(texts).head(FIRST).collect()
    texts = [name for name in texts if 2 * first[name].str.contains(r"\d").sum() > first[name].count()]
    rows = train.select(texts).head(ROWS).collect() if texts else first
    for name in texts:
        counts = rows[name].drop_nulls().alias("text").value_counts(name="rows")
        found = disguise_of(name, counts)
        if found is not None:
            ways = " or ".join(remedies(found.ailment, **found.facts))
            text = f"{found.text[:-1]}; set {ways}." if ways else found.text
            yield Finding(name, found.statistic, found.share, 0.0, "warning", text)
