"""New rows between near rows of one class: synthetic minority over-sampling (Chawla et al. 2002, sections 4 and 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import ROW_ID

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .resample import FittedResample

FEW_TEXTS = 20
"""Distinct texts of a column up to which they count in the distance between rows."""


def between(rows: pl.DataFrame, count: int, options: FittedResample, rng: np.random.Generator) -> pl.DataFrame:
    """Return `count` new rows: numbers part of the way from a row to a near one, texts as most of the near rows have them.

    rows: at least two, of one class. What is neither, such as a moment, a weight or a group, is the first row's; the row's name
    is missing, and its id is no row's. A number that one of the two misses is the first row's, missing or not.
    """
    import numpy as np
    import polars as pl

    near = _near(rows, options)
    base = np.sort(
        np.concatenate([np.tile(np.arange(rows.height), count // rows.height), rng.permutation(rows.height)])[:count]
    )
    towards = near[base, rng.integers(near.shape[1], size=count)]
    part = rng.random(count)
    made = rows[base]
    columns = [_numbers(rows[name], base, towards, part) for name in options.numbers if name in rows.columns]
    columns += [_texts(rows[name], near)[base].alias(name) for name in options.texts if name in rows.columns]
    columns.append(pl.Series(ROW_ID, -1 - rng.integers(2**62, size=count), dtype=rows.schema[ROW_ID]))
    if options.unnamed in rows.columns:
        columns.append(pl.Series(options.unnamed, [None] * count, dtype=rows.schema[options.unnamed]))
    return made.with_columns(columns)


def _near(rows: pl.DataFrame, options: FittedResample) -> np.ndarray:
    """Return the places of the nearest other rows of each row, int (n_rows, neighbors).

    Numbers count by their deviation, a missing one as the median; of texts a difference counts as one deviation.
    """
    import numpy as np
    import polars as pl
    from sklearn.neighbors import NearestNeighbors

    blocks = [np.zeros((rows.height, 1))]
    for name in options.numbers:
        values = rows[name].cast(pl.Float64).fill_nan(None)
        finite = values.clip(-1e150, 1e150)
        column = finite.fill_null(finite.median()).fill_null(0.0).to_numpy()
        spread = column.std()
        blocks.append((column[:, None] - column.mean()) / (spread if spread > 0 else 1.0))
    few = [name for name in options.texts if 1 < rows[name].n_unique() <= FEW_TEXTS]
    texts = rows.select(pl.col(name).cast(pl.String).fill_null("") for name in few)
    blocks += [texts.select(name).to_dummies().to_numpy() / np.sqrt(2) for name in few]
    X = np.hstack(blocks)
    count = min(options.neighbors, rows.height - 1)
    found: np.ndarray = NearestNeighbors(n_neighbors=count).fit(X).kneighbors(return_distance=False)
    return found


def _numbers(column: pl.Series, base: np.ndarray, towards: np.ndarray, part: np.ndarray) -> pl.Series:
    """Return numbers between those of two rows, whole where the column is."""
    import polars as pl

    values = column.cast(pl.Float64)
    start = values[base]
    moved = start + (values[towards] - start) * pl.Series(part)
    mixed = pl.select(pl.when(moved.is_null() | ~moved.is_finite()).then(start).otherwise(moved)).to_series()
    whole = column.dtype.is_integer()
    return (mixed.round() if whole else mixed).cast(column.dtype).alias(column.name)


def _texts(column: pl.Series, near: np.ndarray) -> Any:
    """Return what most of the near rows of each row have, of equally many the smaller place among the sorted values."""
    import numpy as np
    import polars as pl

    known = column.unique().sort()
    codes = (
        column.to_frame("value")
        .with_row_index()
        .join(
            known.to_frame("value").with_row_index("code"),
            on="value",
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )["code"]
        .to_numpy()
    )
    if len(known) * len(codes) <= 10_000_000:
        votes = np.zeros((len(codes), len(known)), dtype=np.int32)
        for place in range(near.shape[1]):
            np.add.at(votes, (np.arange(len(codes)), codes[near[:, place]]), 1)
        most = votes.argmax(axis=1)
    else:  # Nearly every row has a text of its own: that of the nearest.
        most = codes[near[:, 0]]
    return known.gather(pl.Series(most))
