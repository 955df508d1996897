"""Transforms of texts, fitted on training rows, in training and at inference alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Interval

from hookline import Dataset, Roles, Transform
from hookline.kinds.formats.words import holds_feature

from ..columns import Columns, choose, present
from ..stats import value_counts

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FittedNormalizeText:
    """Writes equal texts equally."""

    columns: tuple[str, ...]
    strip: bool
    strip_end: str
    case: str
    unicode: bool
    collapse: bool

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Normalize; a text that becomes empty is missing."""
        return frame.with_columns(self._expr(name) for name in present(frame, self.columns))

    def _expr(self, name: str) -> pl.Expr:
        import polars as pl

        text = pl.col(name).cast(pl.String)
        if self.unicode:
            text = text.str.normalize("NFKC")
        if self.collapse:
            text = text.str.replace_all(r"\s+", " ")
        if self.strip:
            text = text.str.strip_chars()
        if self.strip_end:
            text = text.str.strip_chars_end(self.strip_end)
            # What stood before the taken characters may be a space.
            text = text.str.strip_chars_end() if self.strip else text
        if self.case != "keep":
            text = text.str.to_lowercase() if self.case == "lower" else text.str.to_uppercase()
        return text.replace("", None)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Raise ExportError for features that it changes: ONNX has no such text operations. The target needs none."""
        from hookline.errors import ExportError

        changed = [name for name in self.columns if name in inputs]
        if changed:
            raise ExportError(
                f"transform 'normalize_text' cannot be said in ONNX (columns {', '.join(changed[:5])})",
                hint="choose packager=[skops], or normalize where the data come from",
            )
        return dict(inputs)


class NormalizeTextTransform(Transform):
    """Write equal texts equally: spaces, case, Unicode forms, stray endings."""

    name = "normalize_text"
    mends: ClassVar = {
        "spaced_values": "transform=[normalize_text]",
        "spelling": "transform=[normalize_text] transform.normalize_text.case=lower",
    }
    columns: tuple[str, ...] | Columns = ()
    """Columns to normalize; by default every text among the features. The target may be named."""
    strip: bool = True
    """Take spaces off both ends."""
    strip_end: str = ""
    """Characters to take off the end, such as `.`."""
    case: Literal["keep", "lower", "upper"] = "keep"
    """What becomes of letters."""
    unicode: bool = True
    """Bring Unicode to the NFKC form (UAX 15)."""
    collapse: bool = True
    """Make one space of several."""

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that ONNX cannot change texts, where columns are named; else there may be none."""
        named = self.columns if isinstance(self.columns, tuple) else ()
        return {"onnx": "texts that are changed"} if holds_feature(named, roles) else {}

    def fit(self, train: Dataset) -> FittedNormalizeText:
        """Choose the columns."""
        names = choose(train, self.columns, "transform.normalize_text.columns", ("string",))
        options = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "columns"}
        return FittedNormalizeText(tuple(names), **options)


@dataclass(frozen=True)
class FittedRareCategories:
    """Puts rare and unseen texts under one label."""

    kept: Mapping[str, tuple[str, ...]]
    label: str

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Replace what was rare or unseen in training; missing values stay missing."""
        import polars as pl

        exprs = []
        for name in present(frame, self.kept):
            # As text, since an Enum column would refuse the label.
            text = pl.col(name).cast(pl.String)
            kept = text.is_null() | text.is_in(list(self.kept[name]))
            exprs.append(pl.when(kept).then(text).otherwise(pl.lit(self.label)).alias(name))
        return frame.with_columns(exprs)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        from ..onnx import keep_texts

        return {
            **inputs,
            **{name: keep_texts(inputs[name], kept, self.label) for name, kept in self.kept.items() if name in inputs},
        }


class RareCategoriesTransform(Transform):
    """Put texts that are rare in training, and ones never seen there, under one label."""

    name = "rare_categories"
    mends: ClassVar = {"many_texts": "transform=[rare_categories]"}
    columns: tuple[str, ...] | Columns = ()
    """Columns to look at; by default every text among the features."""
    min_count: Annotated[int, Ge(1)] = 10
    """Fewest training rows of a value that is kept."""
    min_fraction: Annotated[float, Interval(ge=0, le=1)] = 0.0
    """Smallest share of training rows of a value that is kept."""
    label: str = "rare"
    """What the others become."""

    def fit(self, train: Dataset) -> FittedRareCategories:
        """Count the values of every column."""
        import polars as pl

        train = train.weighing()
        names = choose(train, self.columns, "transform.rare_categories.columns", ("string",))
        rows = train.frame.select(pl.len()).collect().item()
        least = max(self.min_count, self.min_fraction * rows)
        counts = pl.collect_all([value_counts(train.frame, name) for name in names])
        kept = {}
        for name, count in zip(names, counts, strict=True):
            kept[name] = tuple(sorted(count.drop_nulls("value").filter(pl.col("rows") >= least)["value"].to_list()))
        return FittedRareCategories(kept, self.label)
