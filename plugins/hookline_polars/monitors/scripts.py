"""In which scripts, such as Latin or Cyrillic, the texts of a column are written that rarely repeat."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline import ColumnProfile, Reference
from hookline.errors import StoreError
from hookline.quality.effects import Effect, categorical_effect

if TYPE_CHECKING:
    import polars as pl

FILE = "scripts.json"
SCRIPTS = "Cramer's V of scripts"
KNOWN = (
    *("Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Devanagari", "Bengali", "Tamil", "Thai", "Hangul"),
    *("Hiragana", "Katakana", "Han"),
)
"""Scripts that are told apart, by the Unicode property of that name; a text is of the first of which it has a letter."""
OTHER, NONE = "another script", "no letters"
MOST = 20_000
"""Texts of a column that are looked at, taken evenly."""


def kept_scripts(reference: Reference) -> dict[str, dict[str, int]]:
    """Return column -> script -> texts, of the training rows or as left in the package; raises StoreError where damaged."""
    if reference.dataset is not None:
        names = [column.name for column in reference.profile.columns if column.lengths is not None]
        return {name: scripts_in(reference.dataset.frame, name) for name in names}
    path = reference.files.get(FILE)
    if path is None:
        return {}
    try:
        read = json.loads(path.read_text("utf-8"))
        return {str(name): {str(one): int(rows) for one, rows in held.items()} for name, held in read.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise StoreError(f"{path} does not tell the scripts of texts") from error


def scripts_in(frame: pl.LazyFrame, name: str) -> dict[str, int]:
    """Return script -> texts of a column, of at most MOST of its rows."""
    import polars as pl

    rows = int(frame.select(pl.len()).collect().item())
    text = pl.col(name).cast(pl.String)
    found: Any = pl.when(text.str.contains(rf"\p{{{KNOWN[0]}}}")).then(pl.lit(KNOWN[0]))
    for script in KNOWN[1:]:
        found = found.when(text.str.contains(rf"\p{{{script}}}")).then(pl.lit(script))
    of = found.when(text.str.contains(r"\p{L}")).then(pl.lit(OTHER)).when(text.is_not_null()).then(pl.lit(NONE))
    taken = frame.select(name).gather_every(max(1, rows // MOST)).select(of.alias("script"))
    counted = taken.group_by("script").agg(pl.len().alias("rows")).drop_nulls("script").sort("script").collect()
    return dict(counted.rows())


def scripts_effect(before: ColumnProfile, known: Mapping[str, int], now: Mapping[str, int]) -> Effect:
    """Return Cramer's V between script and sample."""
    worth = before.independent, before.independent
    return replace(categorical_effect(before.name, known, now, worth), statistic=SCRIPTS)


def most_of(scripts: Mapping[str, int]) -> str:
    """Return the script of most texts in words."""
    if not scripts:
        return "no texts"
    name, rows = max(scripts.items(), key=lambda pair: pair[1])
    return f"{name} {rows / sum(scripts.values()):.0%}"
