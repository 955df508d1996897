"""Texts by the categories that training knew: a column each, or one column with the place of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from hookline import Dataset, Feature, Finding, report_finding
from hookline.errors import DataError

from ...stats import value_counts
from .base import CodedEncoding, ColumnEncoding, RawColumn, version_of
from .numbers import Scaling, scales_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

ALONE = 0.9
"""Where this share of the rows or more hold a text that no other row holds, the texts name rows, or are free text."""
FEW = 20
"""Up to so many different texts are taken for categories all the same."""


@dataclass(frozen=True, kw_only=True)
class OneHotEncoding(CodedEncoding):
    """A 0/1 column a category, and one for the others if `other`; a missing text is none of them."""

    how: Literal["one_hot"] = "one_hot"
    categories: tuple[str, ...] = ()
    other: bool = False

    @classmethod
    def fit(
        cls, columns: Sequence[RawColumn], train: Dataset, *, max_categories: int, indicators: bool
    ) -> dict[str, OneHotEncoding]:
        """Give the most frequent texts of each column one of their own; one that holds nothing is left out."""
        found = {}
        for name, (counts, missing) in count_texts(train.frame, columns).items():
            kept = tuple(sorted(list(counts)[:max_categories]))
            found[name] = cls(
                column=name, categories=kept, other=len(counts) > max_categories, indicator=indicators and missing
            )
        return found

    @property
    def size(self) -> int:
        """A column a category, and one for the others."""
        return len(self.categories) + self.other

    def described(self) -> Iterable[tuple[str, str, str]]:
        """Return a feature a category, and the others' last."""
        version = version_of(self.how)
        made = [(f"{self.column}={label}", f"one_hot({self.column}, {label!r})", version) for label in self.categories]
        if self.other:
            # No category is called so, since theirs are the names with an equals sign.
            told = f"{self.column} is present, and none of its {len(self.categories)} categories"
            made.append((f"{self.column}?other", told, version_of(self.how, known=self.categories)))
        return made

    def read(self, column: pl.Expr) -> list[pl.Expr]:
        """Return the column of each text."""
        import polars as pl

        text, codes = codes_of(column, self.categories)
        return [pl.when(text.is_not_null()).then(codes.fill_null(len(self.categories))) if self.other else codes]

    @classmethod
    def onnx_blocks(cls, encodings: Sequence[OneHotEncoding], inputs: Mapping[str, Any]) -> list[Any]:
        """Say all of them as one block."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        hot = [encoding.hot(inputs[encoding.column]) for encoding in encodings]
        return [op.cast(op.concat(hot, axis=1) if len(hot) > 1 else hot[0], to=np.float32)]

    def hot(self, column: Any) -> Any:
        """Say it as ONNX: (N, size) booleans."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        from ...onnx import codes

        # A missing text is not one of the others.
        found = codes(column, self.categories, len(self.categories), self.size if self.other else None)
        return op.equal(found, op.const(np.arange(self.size, dtype=np.int64)[None, :]))


@dataclass(frozen=True, kw_only=True)
class PlaceEncoding(ColumnEncoding):
    """(position - center) / scale, of the category among all of them; the position is -1 where unseen or missing."""

    categories: tuple[str, ...] = ()

    def scaled_by(self) -> tuple[float, float, str]:
        """Return center and scale, and how they were chosen, such as `standard`; empty where positions stay as they are."""
        return 0.0, 1.0, ""

    @property
    def size(self) -> int:
        """One."""
        return 1

    def described(self) -> Iterable[tuple[str, str, str]]:
        """Return the position, with how it is scaled."""
        center, scale, scaling = self.scaled_by()
        told = f"position of {self.column} among {len(self.categories)} categories"
        scaled = f"({told} - {center:.6g}) / {scale:.6g}" if scaling else told
        yield self.column, scaled, version_of(self.how, scaling=scaling, known=self.categories)

    def read(self, column: pl.Expr) -> list[pl.Expr]:
        """Return the position, null where there is none."""
        return [codes_of(column, self.categories)[1]]

    def write(self, rows: pl.DataFrame, X: np.ndarray) -> None:
        """Scale the positions."""
        center, scale, scaling = self.scaled_by()
        places = self.collected(rows).cast(int).fill_null(-1).to_numpy()
        X[:, 0] = (places - center) / scale if scaling else places

    @classmethod
    def onnx_blocks(cls, encodings: Sequence[PlaceEncoding], inputs: Mapping[str, Any]) -> list[Any]:
        """Say each as a column."""
        return [encoding.place(inputs[encoding.column]) for encoding in encodings]

    def place(self, column: Any) -> Any:
        """Say it as ONNX: (N, 1), float32."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        from ...onnx import codes, number

        center, scale, scaling = self.scaled_by()
        found = codes(column, self.categories, -1)
        if scaling:
            found = op.div(op.sub(op.cast(found, to=np.float64), number(center)), number(scale))
        return op.cast(found, to=np.float32)


@dataclass(frozen=True, kw_only=True)
class OrdinalEncoding(PlaceEncoding):
    """Positions as they are, which a trainer may take for codes of categories."""

    how: Literal["ordinal"] = "ordinal"

    def features(self) -> list[Feature]:
        """Return the position, with how many there are, and the indicator."""
        place, *indicator = super().features()
        return [replace(place, categories=len(self.categories)), *indicator]


@dataclass(frozen=True, kw_only=True)
class ScaledOrdinalEncoding(PlaceEncoding):
    """Positions scaled."""

    how: Literal["scaled_ordinal"] = "scaled_ordinal"
    center: float = 0.0
    scale: float = 1.0
    scaling: str = ""

    def scaled_by(self) -> tuple[float, float, str]:
        """Return center and scale, and how they were chosen."""
        return self.center, self.scale, self.scaling


def fit_places(
    columns: Sequence[RawColumn], train: Dataset, *, scaling: Scaling, indicators: bool
) -> dict[str, OrdinalEncoding | ScaledOrdinalEncoding]:
    """Learn the texts of each column, and by what their positions are scaled; one that holds nothing is left out."""
    import polars as pl

    counted = count_texts(train.frame, columns)
    plain = {
        name: OrdinalEncoding(column=name, categories=tuple(sorted(counts)), indicator=indicators and missing)
        for name, (counts, missing) in counted.items()
    }
    if scaling == "none":
        return dict(plain)
    places = {name: one.read(pl.col(name))[0].cast(pl.Float64) for name, one in plain.items()}
    return {
        name: ScaledOrdinalEncoding(
            column=name,
            categories=plain[name].categories,
            indicator=plain[name].indicator,
            center=center,
            scale=scale,
            scaling=scaling,
        )
        for name, (center, scale) in scales_of(places, train, scaling).items()
    }


def fit_ordered(
    columns: Sequence[RawColumn],
    train: Dataset,
    *,
    orders: Mapping[str, Sequence[str]],
    scaling: Scaling,
    indicators: bool,
) -> dict[str, ScaledOrdinalEncoding]:
    """Learn by what positions in orders that a person gives are scaled; raises DataError for a text that is not in one."""
    import polars as pl

    found = {}
    for column in columns:
        order = tuple(orders[column.name])
        values = value_counts(train.frame, column.name).collect()
        unlisted = values.drop_nulls("value").filter(~pl.col("value").is_in(order)).sort("rows", descending=True)
        if len(unlisted):
            text, rows = unlisted.row(0)
            raise DataError(
                f"'{column.name}' holds '{text}' in {rows:,} training rows, which is not in the order that is given for it",
                hint=f"add it to featurizer.tabular.order.{column.name}, or make it missing: transform=[null_values]",
            )
        place = codes_of(pl.col(column.name), order)[1].cast(pl.Float64)
        center, scale = (0.0, 1.0)
        if scaling != "none":
            center, scale = scales_of({column.name: place}, train, scaling).get(column.name, (0.0, 1.0))
        found[column.name] = ScaledOrdinalEncoding(
            column=column.name,
            categories=order,
            indicator=indicators and bool(values["value"].null_count()),
            center=center,
            scale=scale,
            scaling="" if scaling == "none" else scaling,
        )
    return found


def codes_of(column: pl.Expr, categories: Sequence[str]) -> tuple[pl.Expr, pl.Expr]:
    """Return the texts of a column, and the place of each among the categories, uint32, null where unseen or missing."""
    import polars as pl

    text = column.cast(pl.String)
    return text, text.cast(pl.Enum(categories), strict=False).to_physical().cast(pl.UInt32)


def count_texts(frame: pl.LazyFrame, columns: Sequence[RawColumn]) -> dict[str, tuple[dict[str, int], bool]]:
    """Return column -> category -> rows, the most frequent first and ties by name; and whether it misses some.

    A column that holds nothing is left out, and one whose texts are each of one row only, which is told.
    """
    import polars as pl

    counts = {}
    found = pl.collect_all([value_counts(frame, column.name) for column in columns])
    for column, values in zip(columns, found, strict=True):
        ordered = values.drop_nulls("value").sort(["rows", "value"], descending=[True, False])
        if len(ordered):
            rows = dict(zip(ordered["value"].to_list(), ordered["rows"].to_list(), strict=True))
            counts[column.name] = (rows, len(ordered) < len(values))
    return {name: found for name, found in counts.items() if not _names_rows(name, found[0])}


def _names_rows(column: str, counts: Mapping[str, int]) -> bool:
    """Tell whether nearly every text of a column is of one row only, so that none says anything of another row; says so."""
    alone = sum(rows == 1 for rows in counts.values()) / sum(counts.values())
    if alone < ALONE or len(counts) <= FEW:
        return False
    report_finding(
        Finding(
            subject=column,
            statistic="texts_alone",
            value=alone,
            threshold=ALONE,
            severity="info",
            message=f"'{column}' makes no feature: {alone:.0%} of its rows hold a text that no other row holds. "
            f"roles.id={column} where it names rows; featurizer.tabular.categorical=hashing takes texts as they are.",
        )
    )
    return True
