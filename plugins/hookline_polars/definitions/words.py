"""What texts hold, counted: characters, words, digits, and the words that tell them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Interval, Len

from hookline import Dataset, Derived, Roles, Transform
from hookline.errors import DataError, ExportError
from hookline.kinds.formats.words import ONNX

from .base import require

if TYPE_CHECKING:
    import polars as pl

Count = Literal["characters", "words", "digits", "capitals"]
PATTERNS: Mapping[str, str] = {"words": r"\w+", "digits": r"\d", "capitals": r"\p{Lu}"}
WORD = r"\b\w\w+\b"
"""A word of two letters or more, as scikit-learn's TfidfVectorizer has it."""
NO_WORDS = "a text taken apart"


class TextCountsTransform(Transform):
    """Add how many characters, words, digits and capital letters texts have."""

    name = "text_counts"
    columns: Annotated[tuple[str, ...], Len(1)]
    """Columns of texts."""
    counts: Annotated[tuple[Count, ...], Len(1)] = ("characters", "words")
    """What is counted."""

    def fit(self, train: Dataset) -> TextCountsTransform:
        """Check the columns; raises DataError or ConfigError."""
        require(self.name, train, self.added(), ("string",))
        return self

    def added(self) -> Mapping[str, Derived]:
        """Return a column a count."""
        return {
            f"{name}.{count}": Derived((name,), f"number of {count} in {name}")
            for name in self.columns
            for count in self.counts
        }

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the counts, float64; missing where the text is."""
        import polars as pl

        exprs = []
        for name in self.columns:
            text = pl.col(name).cast(pl.String)
            for count in self.counts:
                found = text.str.len_chars() if count == "characters" else text.str.count_matches(PATTERNS[count])
                exprs.append(found.cast(pl.Float64).alias(f"{name}.{count}"))
        return frame.with_columns(exprs)

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that it counts in texts."""
        return {ONNX: NO_WORDS}

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Raise ExportError."""
        raise _no_words(self.name, self.columns)


@dataclass(frozen=True)
class FittedTfidf:
    """Adds the weight that each known word has in a text."""

    column: str
    weights: Mapping[str, float]
    """Word -> its inverse document frequency."""

    def added(self) -> Mapping[str, Derived]:
        """Return a column a word."""
        return {
            f"{self.column}~{word}": Derived((self.column,), f"tf-idf of '{word}' in {self.column}, idf={weight:.6g}")
            for word, weight in self.weights.items()
        }

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the weights, float64; a text without any known word, and a missing one, has 0 of each."""
        import polars as pl

        words = pl.col(self.column).cast(pl.String).fill_null("").str.to_lowercase().str.extract_all(WORD)
        raw = [
            (words.list.count_matches(word).cast(pl.Float64) * weight).alias(f"{self.column}~{word}")
            for word, weight in self.weights.items()
        ]
        names = [f"{self.column}~{word}" for word in self.weights]
        size = pl.sum_horizontal(pl.col(name) ** 2 for name in names).sqrt()
        return frame.with_columns(raw).with_columns(
            pl.when(size > 0).then(pl.col(name) / size).otherwise(0.0).alias(name) for name in names
        )

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Raise ExportError."""
        raise _no_words("tfidf", (self.column,))


class TfidfTransform(Transform):
    """Add the weight of a column's most frequent words: how often a text has one, times how few texts do, at length one.

    The numbers are those of scikit-learn's TfidfVectorizer with its defaults (Salton and Buckley, 1988).
    """

    name = "tfidf"
    column: str
    """The column of texts."""
    words: Annotated[int, Interval(ge=1, le=5000)] = 100
    """How many words are kept, of those that most training rows have; each is a column."""
    min_rows: Annotated[int, Ge(1)] = 2
    """Fewest training rows that must have a word."""

    def fit(self, train: Dataset) -> FittedTfidf:
        """Count in how many training rows each word is; raises DataError or ConfigError."""
        import polars as pl

        train = train.weighing()
        require(self.name, train, self.added(), ("string",))
        train = train.weighing()
        texts = train.frame.select(
            pl.col(self.column).cast(pl.String).fill_null("").str.to_lowercase().str.extract_all(WORD).alias("word")
        )
        rows = texts.select(pl.len()).collect().item()
        held = (
            texts.select(pl.col("word").list.unique())
            .explode("word")
            .drop_nulls()
            .group_by("word")
            .len("rows")
            .filter(pl.col("rows") >= self.min_rows)
            .sort(["rows", "word"], descending=[True, False])
            .head(self.words)
            .select("word", idf=((1 + rows) / (1 + pl.col("rows"))).log() + 1)
            .sort("word")
            .collect()
        )
        if held.is_empty():
            raise DataError(
                f"transform.tfidf.column: no word of '{self.column}' is in {self.min_rows} training rows",
                hint="lower transform.tfidf.min_rows, or leave the column out",
            )
        return FittedTfidf(self.column, dict(zip(held["word"].to_list(), held["idf"].to_list(), strict=True)))

    def added(self) -> Mapping[str, Derived]:
        """Return all words as one, since training rows tell which there are."""
        told = f"tf-idf of the {self.words} most frequent words of {self.column}, each in {self.min_rows} rows or more"
        return {f"{self.column}~*": Derived((self.column,), told)}

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that it takes texts apart."""
        return {ONNX: NO_WORDS}


def _no_words(component: str, columns: Sequence[str]) -> ExportError:
    return ExportError(
        f"transform '{component}' cannot be said in ONNX (columns {', '.join(columns)})",
        hint="choose packager=[skops]",
    )
