"""What the columns of a CSV file are: numbers and dates that polars would take for others, and texts that are numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from hookline.data.dates import SHAPE, find_order
from hookline.kinds.artifacts import DateOrder

from .csv_lines import HEAD

if TYPE_CHECKING:
    import polars as pl


def misread(
    schema: Mapping[str, pl.DataType],
    scan: Callable[[Sequence[str]], pl.LazyFrame],
    fractions: bool,
    date_order: DateOrder | None,
) -> list[str]:
    """Return the columns that polars makes numbers or dates of, and that may mean others.

    scan: returns the rows with some columns as texts
    fractions: whether a point stands before a fraction, as polars takes it
    """
    import polars as pl

    numbers = [name for name, dtype in schema.items() if dtype == pl.Float64 and not fractions]
    dated = [name for name, dtype in schema.items() if dtype.is_temporal()]
    if date_order == "day_first" or not dated:
        return numbers
    first = scan(dated).select(dated).head(HEAD).collect()
    dated = [name for name in dated if first[name].drop_nulls().head(1).str.contains(SHAPE).any()]
    if date_order is None and dated:
        texts = scan(dated).select(dated).collect()
        counts = {name: texts[name].drop_nulls().alias("text").value_counts(name="rows") for name in dated}
        orders = {name: find_order(of_name) for name, of_name in counts.items()}
        dated = [name for name, found in orders.items() if found is not None and found.order is None]
    return numbers + dated


def infer(frame: pl.LazyFrame, *, fractions: bool = True) -> dict[str, pl.DataType]:
    """Return the type that every text of a column can be read as: integer, number (with a point), else it stays text."""
    import polars as pl

    names = frame.collect_schema().names()
    tries: tuple[pl.DataType, ...] = (pl.Int64(), pl.Float64()) if fractions else (pl.Int64(),)
    lost = [
        (pl.col(name).cast(dtype, strict=False).null_count() - pl.col(name).null_count()).alias(f"{i}\0{name}")
        for i, dtype in enumerate(tries)
        for name in names
    ]
    # A code such as 007 is a text, and no 7.
    codes = pl.col(names).str.contains(r"^0\d+$").any() & pl.col(names).str.contains(r"^\d+$").all()
    padded = frame.select(codes).collect().row(0, named=True)
    held = [pl.col(name).count().alias(f"n\0{name}") for name in names]
    found = frame.select([*lost, *held]).collect().row(0, named=True)
    kinds: dict[str, pl.DataType] = {}
    for name in names:
        if padded[name]:
            continue
        fits = [dtype for i, dtype in enumerate(tries) if found[f"{i}\0{name}"] == 0 and found[f"n\0{name}"]]
        if fits:
            kinds[name] = fits[0]
    return kinds
