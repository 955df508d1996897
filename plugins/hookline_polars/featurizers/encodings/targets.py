"""Texts as the mean target of their category (Micci-Barreca, 2001)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from hookline import Dataset

from ..crossfit import Folds, row_weights, smoothed_means, target_columns
from .base import ColumnEncoding, RawColumn, version_of
from .categories import codes_of
from .numbers import Scaling, scales_of

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True, kw_only=True)
class MeanEncoding(ColumnEncoding):
    """(value - center) / scale, of the `values` of the category (a mean target a class), or `default` where unseen or missing."""

    categories: tuple[str, ...] = ()
    values: tuple[tuple[float, ...], ...] = ()
    default: tuple[float, ...] = ()

    learns_target: ClassVar[bool] = True

    def scaled_by(self) -> tuple[tuple[float, ...], tuple[float, ...], str]:
        """Return center and scale of each mean, and how they were chosen; empty where means stay as they are."""
        return (), (), ""

    @property
    def size(self) -> int:
        """One, or one a class of several."""
        return len(self.default)

    def described(self) -> Iterable[tuple[str, str, str]]:
        """Return the mean target, of each class where there are several, with how it is scaled."""
        centers, scales, scaling = self.scaled_by()
        told = f"mean target of {self.column}, smoothed, {len(self.categories)} categories"
        version = version_of(self.how, scaling=scaling, has_default=bool(self.default))
        for i in range(self.size):
            scaled = f"({told} - {centers[i]:.6g}) / {scales[i]:.6g}" if scaling else told
            yield f"{self.column}:mean_{i}" if self.size > 1 else f"{self.column}:mean", scaled, version

    def read(self, column: pl.Expr) -> list[pl.Expr]:
        """Return the place of each text."""
        return [codes_of(column, self.categories)[1]]

    def write(self, rows: pl.DataFrame, X: np.ndarray) -> None:
        """Look the means up."""
        X[:] = self._table()[self.collected(rows).fill_null(len(self.values)).to_numpy()]

    def write_crossfitted(self, rows: pl.DataFrame, X: np.ndarray, folds: Folds) -> None:
        """Write the means of each row's text in the other folds."""
        known = len(self.categories)
        X[:] = self._scaled(folds.means(self.collected(rows).cast(int).fill_null(known).to_numpy(), known))

    @classmethod
    def onnx_blocks(cls, encodings: Sequence[MeanEncoding], inputs: Mapping[str, Any]) -> list[Any]:
        """Say each as a block."""
        return [encoding.means(inputs[encoding.column]) for encoding in encodings]

    def means(self, column: Any) -> Any:
        """Say it as ONNX: (N, size) means."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        from ...onnx import codes

        table = self._table().astype(np.float32)
        found = codes(column, self.categories, len(self.values))
        return op.gather(op.const(table), op.squeeze(found, op.const(np.array([1], dtype=np.int64))), axis=0)

    def _table(self) -> np.ndarray:
        """Return what each category becomes, and last what none does: float64, (n_categories + 1, size)."""
        import numpy as np

        return self._scaled(np.array([*self.values, self.default]))

    def _scaled(self, means: np.ndarray) -> np.ndarray:
        """Scale means, (n, size)."""
        import numpy as np

        centers, scales, scaling = self.scaled_by()
        scaled: np.ndarray = (means - np.array(centers)) / np.array(scales) if scaling else means
        return scaled


@dataclass(frozen=True, kw_only=True)
class TargetEncoding(MeanEncoding):
    """Means as they are."""

    how: Literal["target"] = "target"


@dataclass(frozen=True, kw_only=True)
class ScaledTargetEncoding(MeanEncoding):
    """Means scaled."""

    how: Literal["scaled_target"] = "scaled_target"
    centers: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    scaling: str = ""

    def scaled_by(self) -> tuple[tuple[float, ...], tuple[float, ...], str]:
        """Return center and scale of each mean, and how they were chosen."""
        return self.centers, self.scales, self.scaling

    @classmethod
    def of(cls, plain: TargetEncoding, train: Dataset, scaling: Scaling) -> Self:
        """Scale means by what training rows have of them."""
        import polars as pl

        codes = plain.read(pl.col(plain.column))[0].fill_null(len(plain.categories))
        known = list(range(len(plain.categories) + 1))
        means = {
            f"{i}": codes.replace_strict(known, list(of), return_dtype=pl.Float64)
            for i, of in enumerate(zip(*plain.values, plain.default, strict=True))
        }
        centers, scales = zip(*scales_of(means, train, scaling).values(), strict=True)
        held = {field.name: getattr(plain, field.name) for field in fields(plain) if field.name != "how"}
        return cls(**held, centers=centers, scales=scales, scaling=scaling)


def fit_means(
    columns: Sequence[RawColumn], train: Dataset, *, smooth: float, scaling: Scaling, indicators: bool
) -> dict[str, TargetEncoding | ScaledTargetEncoding]:
    """Learn the mean target of each text, and by what means are scaled; a column that holds nothing is left out.

    smooth: rows of the overall mean that are mixed into a category's own
    """
    import numpy as np
    import polars as pl

    y = target_columns(train)
    weight = row_weights(train)
    default = tuple(map(float, np.average(y, axis=0, weights=weight)))
    texts = train.frame.select(pl.col(column.name).cast(pl.String) for column in columns).collect()
    found: dict[str, TargetEncoding | ScaledTargetEncoding] = {}
    for column in texts:
        categories = column.drop_nulls().unique().sort()
        codes = column.cast(pl.Enum(categories)).to_physical().cast(pl.Int64).fill_null(len(categories))
        means = smoothed_means(codes.to_numpy(), y, weight, len(categories), smooth)
        known = tuple(categories.to_list())
        # An empty text is a missing one to ONNX, and so to all.
        values = tuple(tuple(map(float, mean)) if text else default for text, mean in zip(known, means, strict=True))
        marked = indicators and bool(column.null_count())
        if known:
            plain = TargetEncoding(
                column=column.name, categories=known, values=values, default=default, indicator=marked
            )
            found[column.name] = plain if scaling == "none" else ScaledTargetEncoding.of(plain, train, scaling)
    return found
