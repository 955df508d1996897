"""Texts as one number that is looked up: how frequent their category is, or how much it speaks for a class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from hookline import Dataset
from hookline.errors import DataError

from ..crossfit import Folds, row_weights
from .base import RawColumn, version_of
from .categories import count_texts
from .numbers import Scaling, scales_of
from .targets import MeanEncoding, fit_means

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

E = TypeVar("E", bound="LookedUpEncoding")


@dataclass(frozen=True, kw_only=True)
class LookedUpEncoding(MeanEncoding):
    """(value - center) / scale, of the `values` of the category, or `default` where unseen or missing."""

    centers: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    scaling: str = ""

    suffix: ClassVar[str]
    told: ClassVar[str]

    def scaled_by(self) -> tuple[tuple[float, ...], tuple[float, ...], str]:
        """Return center and scale of each value, and how they were chosen."""
        return self.centers, self.scales, self.scaling

    def described(self) -> Iterable[tuple[str, str, str]]:
        """Return what is looked up, with how it is scaled."""
        centers, scales, scaling = self.scaled_by()
        told = f"{self.told} of {self.column}, {len(self.categories)} categories"
        version = version_of(self.how, scaling=scaling, has_default=True)
        for i in range(self.size):
            scaled = f"({told} - {centers[i]:.6g}) / {scales[i]:.6g}" if scaling else told
            yield (
                f"{self.column}:{self.suffix}_{i}" if self.size > 1 else f"{self.column}:{self.suffix}",
                scaled,
                version,
            )


@dataclass(frozen=True, kw_only=True)
class CountEncoding(LookedUpEncoding):
    """The share of the training rows, by their weights, that hold the text; 0 where unseen or missing."""

    how: Literal["count"] = "count"
    learns_target: ClassVar[bool] = False
    suffix: ClassVar[str] = "share"
    told: ClassVar[str] = "share of rows"


@dataclass(frozen=True, kw_only=True)
class EvidenceEncoding(LookedUpEncoding):
    """ln(P(text | class) / P(text | other classes)), smoothed (Good 1950); 0 where unseen or missing."""

    how: Literal["weight_of_evidence"] = "weight_of_evidence"
    suffix: ClassVar[str] = "evidence"
    told: ClassVar[str] = "weight of evidence, smoothed,"

    def write_crossfitted(self, rows: pl.DataFrame, X: np.ndarray, folds: Folds) -> None:
        """Write the evidence of each row's text in the other folds."""
        import numpy as np

        known = len(self.categories)
        codes = self.collected(rows).cast(int).fill_null(known).to_numpy()
        # What is overall is of the other folds as well: it holds the row's own target otherwise.
        overall = folds.means(np.full(len(codes), known), known)
        X[:] = self._scaled(evidence(folds.means(codes, known), overall))


def evidence(share: np.ndarray, overall: np.ndarray) -> np.ndarray:
    """Return by how much the log-odds of a class are raised from the overall ones, float64, of the shape of the shares."""
    import numpy as np

    inside, base = (np.clip(one, 1e-6, 1 - 1e-6) for one in (share, overall))
    raised: np.ndarray = np.log(inside / (1 - inside)) - np.log(base / (1 - base))
    return raised


def fit_counts(
    columns: Sequence[RawColumn], train: Dataset, *, scaling: Scaling, indicators: bool
) -> dict[str, CountEncoding]:
    """Learn how frequent each text is; a column that holds nothing, or names rows, is left out."""
    import numpy as np
    import polars as pl

    weight = row_weights(train)
    found = {}
    for name, (counts, missing) in count_texts(train.frame, columns).items():
        # An empty text is a missing one to ONNX, and so to all.
        known = sorted(text for text in counts if text)
        texts = train.frame.select(pl.col(name).cast(pl.String)).collect().to_series()
        codes = texts.cast(pl.Enum(known), strict=False).to_physical().cast(pl.Int64).fill_null(len(known)).to_numpy()
        shares = np.bincount(codes, weights=weight, minlength=len(known) + 1)[: len(known)] / weight.sum()
        values = tuple((float(share),) for share in shares)
        plain = CountEncoding(
            column=name, categories=tuple(known), values=values, default=(0.0,), indicator=indicators and missing
        )
        if known:
            found[name] = _scaled_by(plain, train, scaling)
    return found


def fit_evidence(
    columns: Sequence[RawColumn], train: Dataset, *, smooth: float, scaling: Scaling, indicators: bool
) -> dict[str, EvidenceEncoding]:
    """Learn what each text says of the later of two classes, or of each of several; raises DataError for a number.

    smooth: rows of the overall shares that are mixed into a category's own
    """
    import numpy as np

    if train.target is None or train.target.task == "regression":
        raise DataError(
            "featurizer.tabular.categorical=weight_of_evidence is of classes, and the target is a number",
            hint="featurizer.tabular.categorical=target encodes by the mean of a number",
        )
    found = {}
    for name, means in fit_means(columns, train, smooth=smooth, scaling="none", indicators=indicators).items():
        raised = evidence(np.array(means.values), np.array(means.default))
        plain = EvidenceEncoding(
            column=name,
            categories=means.categories,
            values=tuple(tuple(map(float, row)) for row in raised),
            default=(0.0,) * means.size,
            indicator=means.indicator,
        )
        found[name] = _scaled_by(plain, train, scaling)
    return found


def _scaled_by(plain: E, train: Dataset, scaling: Scaling) -> E:
    """Scale what is looked up by what training rows have of it."""
    import polars as pl

    if scaling == "none":
        return plain
    codes = plain.read(pl.col(plain.column))[0].fill_null(len(plain.categories))
    known = list(range(len(plain.categories) + 1))
    looked_up = {
        f"{i}": codes.replace_strict(known, list(of), return_dtype=pl.Float64)
        for i, of in enumerate(zip(*plain.values, plain.default, strict=True))
    }
    centers, scales = zip(*scales_of(looked_up, train, scaling).values(), strict=True)
    return replace(plain, centers=centers, scales=scales, scaling=scaling)
