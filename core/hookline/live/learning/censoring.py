"""Whether answers decide which labels come: what is learned from such is only what was answered one way."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hookline.kinds.fitted import label_text

from ..log.answered import ID
from ..log.predictions import Predictions
from .challengers.lessons import Told

FEWEST = 100
"""Answers of a class before anything is said of its labels."""
TIMES = 5.0
"""How many times as many labels another class must have."""


def censored(log: Predictions, told: Told, least: float, until: datetime | None) -> str | None:
    """Return a sentence where the rows of one answer hardly get labels, and those of another do; None where all is well.

    least: the share of an answer's rows that must have labels; until: only what was answered before
    """
    import polars as pl

    records = replace(log, until=until).records()
    facts = records.facts()
    values = [label_text(value) for value in records.answers(told.package.target).values.tolist()]
    table = pl.DataFrame({"answer": values, "labeled": facts["id"].is_in(told.frame[ID].implode())})
    rates = table.group_by("answer").agg(pl.len().alias("rows"), pl.col("labeled").sum().alias("labels"))
    known = {answer: (labels, rows) for answer, rows, labels in rates.rows() if rows >= FEWEST}
    shares = {answer: labels / rows for answer, (labels, rows) in known.items()}
    if len(shares) < 2:
        return None
    rare, common = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    if shares[rare] >= least or shares[common] < TIMES * shares[rare] or not shares[common]:
        return None
    (few, of), (many, among) = known[rare], known[common]
    return (
        f"answers decide which labels come: {few:,} of {of:,} rows that were answered '{rare}' have one, and {many:,} of "
        f"{among:,} that were answered '{common}'; at least {least:.3g} of each are wanted, by answering some at random"
    )
