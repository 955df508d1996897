"""Texts as the mean target of their category (Micci-Barreca, 2001)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hookline import Dataset

from ..crossfit import Folds, row_weights, smoothed_means, target_columns
from .base import ColumnEncoding, RawColumn, version_of
from .categories import codes_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True, kw_only=True)
class TargetEncoding(ColumnEncoding):
    """`values` of the category (a mean target a class), `default` where unseen or missing."""

    how: Literal["target"] = "target"
    categories: tuple[str, ...] = ()
    values: tuple[tuple[float, ...], ...] = ()
    default: tuple[float, ...] = ()

    learns_target: ClassVar[bool] = True

    @classmethod
    def fit(
        cls, columns: Sequence[RawColumn], train: Dataset, *, smooth: float, indicators: bool
    ) -> dict[str, TargetEncoding]:
        """Learn the mean target of each text; a column that holds nothing is left out.

        smooth: rows of the overall mean that are mixed into a category's own
        """
        import numpy as np
        import polars as pl

        y = target_columns(train)
        weight = row_weights(train)
        default = tuple(map(float, np.average(y, axis=0, weights=weight)))
        texts = train.frame.select(pl.col(column.name).cast(pl.String) for column in columns).collect()
        found = {}
        for column in texts:
            categories = column.drop_nulls().unique().sort()
            codes = column.cast(pl.Enum(categories)).to_physical().cast(pl.Int64).fill_null(len(categories))
            means = smoothed_means(codes.to_numpy(), y, weight, len(categories), smooth)
            known = tuple(categories.to_list())
            # An empty text is a missing one to ONNX, and so to all.
            values = (tuple(map(float, mean)) if text else default for text, mean in zip(known, means, strict=True))
            marked = indicators and bool(column.null_count())
            if known:
                found[column.name] = cls(
                    column=column.name, categories=known, values=tuple(values), default=default, indicator=marked
                )
        return found

    @property
    def size(self) -> int:
        """One, or one a class of several."""
        return len(self.default)

    def described(self) -> Iterable[tuple[str, str, str]]:
        """Return the mean target, of each class where there are several."""
        told = f"mean target of {self.column}, smoothed, {len(self.categories)} categories"
        version = version_of(self.how, has_default=bool(self.default))
        for i in range(self.size):
            yield f"{self.column}:mean_{i}" if self.size > 1 else f"{self.column}:mean", told, version

    def read(self, column: pl.Expr) -> list[pl.Expr]:
        """Return the place of each text."""
        return [codes_of(column, self.categories)[1]]

    def write(self, rows: pl.DataFrame, X: np.ndarray) -> None:
        """Look the means up."""
        import numpy as np

        table = np.array([*self.values, self.default])
        X[:] = table[self.collected(rows).fill_null(len(self.values)).to_numpy()]

    def write_crossfitted(self, rows: pl.DataFrame, X: np.ndarray, folds: Folds) -> None:
        """Write the means of each row's text in the other folds."""
        known = len(self.categories)
        X[:] = folds.means(self.collected(rows).cast(int).fill_null(known).to_numpy(), known)

    @classmethod
    def onnx_blocks(cls, encodings: Sequence[TargetEncoding], inputs: Mapping[str, Any]) -> list[Any]:
        """Say each as a block."""
        return [encoding.means(inputs[encoding.column]) for encoding in encodings]

    def means(self, column: Any) -> Any:
        """Say it as ONNX: (N, size) means."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        from ...onnx import codes

        table = np.array([*self.values, self.default], dtype=np.float32)
        found = codes(column, self.categories, len(self.values))
        return op.gather(op.const(table), op.squeeze(found, op.const(np.array([1], dtype=np.int64))), axis=0)
