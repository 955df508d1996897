"""How long the texts of a column are, in which script they are written, and in which language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .near import SHORTEST, TEXTS, NearTexts, near_texts

if TYPE_CHECKING:
    import polars as pl

SCRIPTS = (
    *("Hiragana", "Katakana", "Hangul", "Han", "Cyrillic", "Greek", "Arabic", "Hebrew", "Devanagari", "Bengali"),
    *("Tamil", "Thai", "Latin"),
)
"""Scripts that are told apart, by the Unicode property of that name; a text is of the first of which it has a letter."""
OTHER, NONE = "another script", "no letters"
LOOKED = 20_000
"""Different texts, evenly spread, of which scripts are told."""
ASKED = 1_000
"""Texts, evenly spread, of which languages are told."""
LENGTHS = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class Writing:
    """How free texts are written; shares are of different texts of a sample, evenly spread."""

    lengths: tuple[tuple[float, int], ...]
    """Share, and characters that the texts of so many rows have at most."""
    scripts: tuple[tuple[str, int], ...]
    """Script and texts, of up to 20,000, the most frequent first."""
    languages: tuple[tuple[str, int], ...] = ()
    """Language (ISO 639) and texts, of up to 1,000 that have 20 characters or more; at most 10, the most frequent first."""
    asked: int = 0
    """Texts of which the language was told; 0 where `py3langid` is not installed."""
    near: NearTexts | None = None
    """None where `datasketch` is not installed."""


def writing_of(counts: pl.DataFrame) -> Writing:
    """Look at different texts, `text`, and the `rows` of each."""
    import polars as pl

    lengths = counts.select(pl.col("text").str.len_chars().alias("length"), "rows").sort("length")
    upto = lengths.select("length", share=pl.col("rows").cum_sum() / pl.col("rows").sum())
    quantiles = [(share, int(upto.filter(pl.col("share") >= share - 1e-12)["length"][0])) for share in LENGTHS]
    ordered = counts["text"].sort()
    long = ordered.filter(ordered.str.len_chars() >= SHORTEST)
    asked = _spread(long, ASKED).to_list() if find_spec("py3langid") else []
    near = near_texts(_spread(long, TEXTS).to_list()) if find_spec("datasketch") else None
    return Writing(tuple(quantiles), _scripts(_spread(ordered, LOOKED)), _languages(asked), len(asked), near)


def _spread(texts: pl.Series, most: int) -> pl.Series:
    return texts.gather_every(max(1, -(-len(texts) // most)))


def _scripts(texts: pl.Series) -> tuple[tuple[str, int], ...]:
    import polars as pl

    text = pl.col("text")
    found: Any = pl
    for script in SCRIPTS:
        found = found.when(text.str.contains(rf"\p{{{script}}}")).then(pl.lit(script))
    of = found.when(text.str.contains(r"\p{L}")).then(pl.lit(OTHER)).otherwise(pl.lit(NONE))
    counted = texts.to_frame("text").select(of.alias("script")).group_by("script").len("texts")
    return tuple(counted.sort(["texts", "script"], descending=[True, False]).rows())


def _languages(texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    if not texts:
        return ()
    from py3langid import classify

    counted = Counter(str(classify(text)[0]) for text in texts)
    return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:10])
