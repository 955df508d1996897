"""Held-out rows that equal a training row in every feature but one, and held-out texts that nearly repeat a training text."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hookline.kinds.artifacts import ROW_ID, Split
from hookline.kinds.reports import Finding

from ..profile.diversity.near import FEWEST, SHORTEST, near_across
from .sides import Column, Sides, examples

if TYPE_CHECKING:
    import numpy as np

OFTEN = 0.01
"""Share of held-out rows from which on near twins are told."""
TEXTS = 2_000
"""Texts of a side that are compared."""


def find_near(sides: Sides, split: Split) -> Iterator[Finding]:
    """Yield what is found, of the rows of the sides, and of texts of three words or more where `datasketch` is installed."""
    yield from _near_rows(sides)
    if find_spec("datasketch"):
        yield from _near_texts(split)


def _near_rows(sides: Sides) -> Iterator[Finding]:
    import numpy as np

    if len(sides.columns) < FEWEST:
        return
    hashes = [_hashes(column, place) for place, column in enumerate(sides.columns)]
    whole = [np.zeros(len(y), dtype=np.uint64) for y in sides.y]
    for of_column in hashes:
        for side in (0, 1):
            whole[side] = whole[side] + of_column[side]
    twins = np.isin(whole[1], whole[0])
    near = np.zeros(len(twins), dtype=np.bool_)
    by: list[tuple[int, str]] = []
    for column, of_column in zip(sides.columns, hashes, strict=True):
        but = np.isin(whole[1] - of_column[1], whole[0] - of_column[0]) & ~twins
        by.append((int(but.sum()), column.name))
        near = near | but
    share = float(near.mean()) if len(near) else 0.0
    if share < OFTEN:
        return
    most = ", ".join(f"'{name}'" for rows, name in sorted(by, key=lambda pair: -pair[0])[:3] if rows)
    text = (
        f"{int(near.sum()):,} of {len(near):,} held-out rows looked at ({share:.1%}) equal a training row in every feature "
        f"but one, mostly {most}: those are nearly judged by heart."
    )
    yield Finding("rows", "near_duplicates", share, OFTEN, "info", text, sides.held_out(near))


def _hashes(column: Column, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a hash of each value, uint64, on both sides."""
    import numpy as np

    factor = np.random.default_rng(place).integers(1, 2**63, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    exact = column.codes if column.exact or column.numbers is None else column.numbers
    held = [
        np.where(np.isnan(part), np.inf, part).view(np.uint64) if part.dtype.kind == "f" else part for part in exact
    ]
    # The upper bits of a product hang on all bits of the value, those of a sum of products on all of the row.
    mixed = [((part.astype(np.uint64) + np.uint64(place + 1)) * factor) for part in held]
    first, second = ((part ^ (part >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) for part in mixed)
    return first, second


def _near_texts(split: Split) -> Iterator[Finding]:
    import polars as pl

    schema = split.train.frame.collect_schema()
    for name in split.train.feature_columns():
        if schema[name] != pl.String:
            continue
        words = pl.col(name).str.contains(r"^\S+(?:\s+\S+){2}") & (pl.col(name).str.len_chars() >= SHORTEST)
        first = split.train.frame.select(pl.col(name).drop_nulls()).head(100).select(words.mean()).collect().item()
        if first is None or first < 0.5:
            continue
        held = [part.frame.select(ROW_ID, name).filter(words).collect() for part in (split.train, split.test)]
        train, test = (frame.gather_every(max(1, -(-frame.height // TEXTS))) for frame in held)
        found = near_across(train[name].to_list(), test[name].to_list())
        share = len(found) / max(1, test.height)
        if share < OFTEN:
            continue
        text = (
            f"{len(found):,} of {test.height:,} held-out texts of '{name}' compared with {train.height:,} training "
            "texts nearly repeat one of them: they are judged by heart. split.method=group keeps a group together."
        )
        rows = examples(test[ROW_ID].gather(found).to_list())
        yield Finding(name, "near_texts", share, OFTEN, "warning", text, rows)
