"""Drops rows that are nearly the same as an earlier one: texts that differ by a letter or by the order of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Gt, Interval

from hookline import Dataset, Transform
from hookline.data.frames import require_columns
from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID

from ...columns import Columns, choose
from ..told import position_of, tell_rows

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_TOGETHER = 20_000
"""Distinct rows that are compared each with each: beyond, their number squared takes minutes."""
AT_ONCE = 2_000
"""Rows that are compared with all others in one go."""
TEXT, COUNTS = "\0text", "\0counts"


@dataclass(frozen=True)
class FittedDedupeSimilar:
    """Drops rows that are nearly the same as an earlier one that stays."""

    columns: tuple[str, ...]
    within: tuple[str, ...]
    weight: str | None
    similarity: float
    by: Literal["letters", "words"]
    ignore_case: bool
    max_together: int

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the others, in order; rows of weight 0, and those without a text, are compared with none, and stay."""
        import polars as pl

        pairs, _ = self.compare(frame)
        gone = pl.Series([row for row, _ in pairs], dtype=pl.Int64)
        return frame.filter(~position_of(frame).is_in(gone.implode()))

    def compare(self, frame: pl.LazyFrame) -> tuple[list[tuple[int, int]], dict[int, str]]:
        """Return each row that goes with the one that it repeats, by their ids, and the text of every row."""
        import polars as pl

        counts = pl.lit(value=True) if self.weight is None else pl.col(self.weight).ne_missing(0)
        text = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in self.columns], separator=" ")
        position = position_of(frame).alias(ROW_ID)
        held = frame.select(position, *self.within, text.alias(TEXT), counts.alias(COUNTS)).collect().filter(COUNTS)
        parts = held.partition_by(self.within, maintain_order=True) if self.within else [held]
        pairs = sorted(pair for part in parts for pair in self._pairs(part))
        return pairs, dict(held.select(ROW_ID, TEXT).rows())

    def _pairs(self, rows: pl.DataFrame) -> list[tuple[int, int]]:
        """Return each row that goes with the one that it repeats, by their ids."""
        from rapidfuzz import utils

        clean = utils.default_process if self.ignore_case else str
        first: dict[str, int] = {}
        pairs: list[tuple[int, int]] = []
        for row, text in rows.select(ROW_ID, TEXT).iter_rows():
            told = clean(text)
            if not told.strip():
                continue
            if told in first:
                pairs.append((row, first[told]))
            else:
                first[told] = row
        if len(first) > self.max_together:
            raise DataError(
                f"dedupe_similar would compare {len(first):,} rows each with each",
                hint="transform.dedupe_similar.within=[COLUMN] compares only rows that are equal in a column",
            )
        texts, ids = list(first), list(first.values())
        stays: dict[int, int] = {}
        for place, near in self._similar(texts):
            earlier = [other for other in near if other < place and other not in stays]
            if earlier:
                stays[place] = earlier[0]
        gone = {ids[place]: ids[other] for place, other in stays.items()}
        return [(row, gone.get(other, other)) for row, other in pairs] + list(gone.items())

    def _similar(self, texts: list[str]) -> list[tuple[int, np.ndarray]]:
        """Return the places of the texts that have similar ones, in order, each with the places of those, itself among them."""
        import numpy as np
        from rapidfuzz import fuzz, process

        scorer = fuzz.ratio if self.by == "letters" else fuzz.token_sort_ratio
        least = 100 * self.similarity
        found: list[tuple[int, np.ndarray]] = []
        for start in range(0, len(texts), AT_ONCE):
            some = texts[start : start + AT_ONCE]
            scores = process.cdist(some, texts, scorer=scorer, score_cutoff=least, dtype=np.float32)
            near = scores >= least
            several = np.flatnonzero(near.sum(axis=1) > 1).tolist()
            found += [(start + int(place), np.flatnonzero(near[place])) for place in several]
        return found


class DedupeSimilarTransform(Transform):
    """Drop rows whose texts are nearly those of an earlier row: `ACME Corp.` and `Acme Corp`, as far as `similarity` says."""

    name = "dedupe_similar"
    applies = "dataset"
    extra = "fuzzy"
    columns: tuple[str, ...] | Columns = ()
    """Columns of texts that are compared, put together; by default every text among the features."""
    within: tuple[str, ...] = ()
    """Columns in which two rows must be equal to be compared, such as a postal code: many rows need some."""
    similarity: Annotated[float, Interval(gt=0, le=1)] = 0.9
    """How similar two rows must be, of 0 to 1."""
    by: Literal["letters", "words"] = "letters"
    """`letters`: one minus the edits, of letters put in or taken out, by the letters of both (indel similarity); `words` compares
    words in the order of the alphabet."""
    ignore_case: bool = True
    """Whether case and signs that are no letters and no digits make no difference."""
    max_together: Annotated[int, Gt(1)] = MOST_TOGETHER
    """Most distinct rows that are compared each with each."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("rapidfuzz",)

    def fit(self, train: Dataset) -> FittedDedupeSimilar:
        """Compare rows, and tell how many go with the first pairs.

        Raises DataError for too many rows to be compared, ConfigError for a column that holds no text.
        """
        names = train.frame.collect_schema().names()
        require_columns(self.within, names, "transform.dedupe_similar.within")
        chosen = choose(train, self.columns, "transform.dedupe_similar.columns", ("string",))
        texts = tuple(name for name in chosen if name not in self.within)
        if not texts:
            raise DataError("dedupe_similar compares texts, and no feature is one")
        ways = (self.similarity, self.by, self.ignore_case, self.max_together)
        fitted = FittedDedupeSimilar(texts, self.within, train.roles.weight, *ways)
        _tell(*fitted.compare(train.frame))
        return fitted


def _tell(pairs: list[tuple[int, int]], texts: dict[int, str]) -> None:
    if not pairs:
        return
    apart = [(gone, stays) for gone, stays in sorted(pairs) if texts[gone] != texts[stays]] or sorted(pairs)
    shown = "; ".join(f"row {gone} '{texts[gone]}' repeats row {stays} '{texts[stays]}'" for gone, stays in apart[:3])
    message = f"{len(pairs):,} rows are nearly the same as an earlier one, and go: {shown}"
    tell_rows("dedupe_similar", message, [gone for gone, _ in sorted(pairs)])
