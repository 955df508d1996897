"""What a column of texts holds: the most frequent, placeholders, and what they look like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..disguises import Disguise, disguise_of
from .diversity.spread import spread_of
from .diversity.writing import Writing, writing_of
from .sentinels import is_placeholder

if TYPE_CHECKING:
    import polars as pl


MOST_TOP = 20
"""Most frequent values that are told, with their rows."""
MOST_TEXTS = 100_000
"""Distinct texts of a column, the most frequent, whose form is looked at."""
EXAMPLES = 5
LONGEST_PLACEHOLDER = 20
"""Bytes beyond which no text is looked up among those that stand for a missing value."""
LAYOUTS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d")
"""How people write dates, in strftime's letters."""


@dataclass(frozen=True)
class TextFacts:
    """What the form of a column's texts says; counts are of rows."""

    longest: int = 0
    """Characters of the longest."""
    spaced: int = 0
    """Rows whose text begins or ends with a space."""
    numbers: int = 0
    """Rows whose text is a number."""
    coded: int = 0
    """Of these, rows whose number begins with a needless zero, as codes do."""
    dates: int = 0
    """Rows whose text is a date, in the layout that most are written in."""
    others: tuple[str, ...] = ()
    """Where most are numbers or dates: the most frequent of the others."""
    variants: int = 0
    """Rows whose text differs from another one only by case or spaces."""
    variant: tuple[str, ...] = ()
    """The most frequent texts that differ from each other only so."""
    sentences: int = 0
    """Rows whose text has three words or more."""
    writing: Writing | None = None
    """Where most texts have three words or more."""
    disguise: Disguise | None = None
    """Numbers as people write them, or dates of which the order must be said, where most texts are such."""


def facts_of_texts(column: pl.Series, kind: str) -> dict[str, Any]:
    """Return what a column of texts holds, as fields of its facts."""
    import polars as pl

    texts = column.drop_nulls().cast(pl.String).alias("text")
    counts = texts.to_frame().lazy().group_by("text").len("rows").collect()
    facts: dict[str, Any] = {"distinct": counts.height, "top": _most(counts, MOST_TOP)}
    facts["spread"] = spread_of(counts["rows"].cast(pl.Int64).to_numpy())
    if kind == "string":
        looked = counts if counts.height <= MOST_TEXTS else counts.top_k(MOST_TEXTS, by="rows")
        form = _form(looked)
        writing = writing_of(looked) if form.sentences > looked["rows"].sum() / 2 else None
        facts["text"] = replace(form, disguise=disguise_of(column.name, looked), writing=writing)
        facts["sentinels"] = _placeholders(looked)
    return facts


def _most(counts: pl.DataFrame, most: int) -> tuple[tuple[str, int], ...]:
    """Return the most frequent texts; of equally frequent ones the first in the alphabet."""
    import polars as pl

    if counts.height > most:
        least = counts["rows"].top_k(most).min()
        above = counts.filter(pl.col("rows") > least)
        ties = counts.filter(pl.col("rows") == least).bottom_k(most - above.height, by="text")
        counts = pl.concat([above, ties])
    return tuple(counts.sort(["rows", "text"], descending=[True, False]).rows())


def _placeholders(counts: pl.DataFrame) -> tuple[tuple[str, int], ...]:
    import polars as pl

    short = counts.filter(pl.col("text").str.len_bytes() <= LONGEST_PLACEHOLDER)
    ordered = short.sort(["rows", "text"], descending=[True, False]).rows()
    return tuple((text, rows) for text, rows in ordered if is_placeholder(text, counts.height))


def _form(counts: pl.DataFrame) -> TextFacts:
    """Look at texts and the rows of each."""
    import polars as pl

    bare = pl.col("text").str.strip_chars()
    is_number = bare.cast(pl.Float64, strict=False).is_finite().fill_null(value=False)
    found = counts.with_columns(
        number=is_number,
        coded=is_number & bare.str.contains(r"^[+-]?0\d"),
        spaced=pl.col("text") != bare,
        sentence=bare.str.contains(r"^\S+(?:\s+\S+){2}"),
        plain=bare.str.to_lowercase().str.replace_all(r"\s+", " "),
    )
    rows = {name: pl.col("rows").filter(pl.col(name)).sum() for name in ("number", "coded", "spaced", "sentence")}
    facts = found.select(pl.col("rows").sum().alias("all"), pl.col("text").str.len_chars().max(), **rows)
    numbers = facts["number"].item()
    half = facts["all"].item() / 2
    dates, is_date = (0, None) if numbers > half else _dates(found, half)
    others: tuple[tuple[str, int], ...] = ()
    if max(numbers, dates) > half:
        is_one = pl.col("number") if is_date is None else is_date
        others = _most(found.filter(~is_one).select("text", "rows"), EXAMPLES)
    variants, variant = _variants(found)
    return TextFacts(
        longest=facts["text"].item(),
        spaced=facts["spaced"].item(),
        sentences=facts["sentence"].item(),
        numbers=numbers,
        coded=facts["coded"].item(),
        dates=dates,
        others=tuple(text for text, _ in others),
        variants=variants,
        variant=variant,
    )


def _dates(texts: pl.DataFrame, half: float) -> tuple[int, pl.Expr | None]:
    """Return the rows that hold a date in the layout that fits most, and what tells them; none unless more than half do."""
    import polars as pl

    bare = pl.col("text").str.strip_chars()
    if texts.filter(bare.str.contains(r"^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}"))["rows"].sum() <= half:
        return 0, None
    tells = [bare.str.to_datetime(layout, strict=False).is_not_null() for layout in LAYOUTS]
    rows = texts.select(pl.col("rows").filter(tell).sum().alias(str(i)) for i, tell in enumerate(tells)).row(0)
    best = max(range(len(rows)), key=lambda i: rows[i])
    return (rows[best], tells[best]) if rows[best] > half else (0, None)


def _variants(texts: pl.DataFrame) -> tuple[int, tuple[str, ...]]:
    """Return the rows of texts that another one equals but for case and spaces, and the most frequent of such texts."""
    import polars as pl

    several = texts.filter(pl.len().over("plain") > 1)
    if several.is_empty():
        return 0, ()
    most = several.with_columns(together=pl.col("rows").sum().over("plain")).sort(
        ["together", "plain", "rows", "text"], descending=[True, False, True, False]
    )
    same = most.filter(pl.col("plain") == most["plain"][0])["text"].head(EXAMPLES)
    return int(several["rows"].sum()), tuple(same.to_list())
