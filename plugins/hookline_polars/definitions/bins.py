"""Numbers put into bins, whose edges are given or learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from hookline import Dataset, Derived, Transform
from hookline.errors import DataError

from ..stats import one_row, quantile, weight_of
from .base import numbers, require

if TYPE_CHECKING:
    import polars as pl

To = Literal["text", "position"]


@dataclass(frozen=True)
class Bins:
    """How one column is put into bins: `{of: age, edges: [18, 65]}`, or `{of: age, equal: 4}`."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    of: str
    """The column of numbers."""
    edges: tuple[float, ...] = ()
    """Where one bin ends and the next begins, with this number in it."""
    equal: Annotated[int, Ge(2)] | None = None
    """How many bins of about as many training rows, in place of edges."""

    def __post_init__(self) -> None:
        if bool(self.edges) == (self.equal is not None):
            raise ValueError("give edges, or how many bins of equal size, and not both")
        if any(first >= second for first, second in pairwise(self.edges)):
            raise ValueError(f"edges must grow, got {list(self.edges)}")


@dataclass(frozen=True)
class FittedBins:
    """Adds the bin that a number is in."""

    columns: Mapping[str, tuple[str, tuple[float, ...]]]
    """New column -> the column of numbers, and the edges."""
    to: To

    def added(self) -> Mapping[str, Derived]:
        """Return the bins with their edges."""
        return {new: _told(of, edges, self.to) for new, (of, edges) in self.columns.items()}

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the bins: texts such as `18 to 65`, or positions from 0, float64; missing where the number is."""
        return frame.with_columns(self._expr(of, edges).alias(new) for new, (of, edges) in self.columns.items())

    def _expr(self, of: str, edges: Sequence[float]) -> pl.Expr:
        import polars as pl

        value = numbers(of)
        text = self.to == "text"
        told: list[Any] = [*labels(edges)] if text else [float(place) for place in range(len(edges) + 1)]
        chosen: Any = pl.when(value < edges[0]).then(pl.lit(told[0]))
        for edge, one in zip(edges[1:], told[1:], strict=False):
            chosen = chosen.when(value < edge).then(pl.lit(one))
        # Where there is no number, no condition holds.
        found: pl.Expr = chosen.when(value >= edges[-1]).then(pl.lit(told[-1]))
        return found

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        import numpy as np
        import spox.opset.ai.onnx.ml.v5 as ml
        import spox.opset.ai.onnx.v21 as op

        from ..onnx import is_missing, number, texts

        made = {}
        for new, (of, edges) in self.columns.items():
            missing = is_missing(inputs[of])
            reached = op.greater_or_equal(inputs[of], op.const(np.array([edges], dtype=np.float64)))
            place = op.reduce_sum(op.cast(reached, to=np.int64), op.const(np.array([1])), keepdims=1)
            if self.to == "position":
                made[new] = op.where(missing, number(float("nan")), op.cast(place, to=np.float64))
            else:
                names = labels(edges)
                told = ml.label_encoder(place, keys_int64s=range(len(names)), values_strings=names, default_string="")
                made[new] = op.where(missing, texts([""]), told)
        return {**inputs, **made}


class BinsTransform(Transform):
    """Add the bins that numbers are in: `columns={age_group: {of: age, edges: [18, 65]}}`, or `{of: age, equal: 4}`."""

    name = "bins"
    columns: Mapping[str, Bins]
    """New column -> the column of numbers, and how its bins are found."""
    to: To = "text"
    """What a bin is told by: a text such as `18 to 65`, or its position from 0."""

    def fit(self, train: Dataset) -> FittedBins:
        """Learn the edges that are not given; raises DataError or ConfigError."""
        train = train.weighing()
        require(self.name, train, self.added(), ("number",))
        shares = {
            f"{new}\0{place}": quantile(numbers(bins.of), weight_of(train), place / bins.equal)
            for new, bins in self.columns.items()
            for place in range(1, bins.equal or 0)
            if bins.equal
        }
        learned = one_row(train.frame, [expr.alias(name) for name, expr in shares.items()]) if shares else {}
        found = {}
        for new, bins in self.columns.items():
            cuts = [learned[f"{new}\0{place}"] for place in range(1, bins.equal or 0)]
            edges = bins.edges or tuple(sorted({float(cut) for cut in cuts if cut is not None}))
            if not edges:
                raise DataError(
                    f"transform.bins.columns: '{bins.of}' holds no number to learn the edges of '{new}' from"
                )
            found[new] = (bins.of, edges)
        return FittedBins(found, self.to)

    def added(self) -> Mapping[str, Derived]:
        """Return the bins; those whose edges are learned by how many there are."""
        return {
            new: _told(bins.of, bins.edges, self.to)
            if bins.edges
            else Derived((bins.of,), f"{bins.equal} bins of {bins.of} with as many rows, by {self.to}")
            for new, bins in self.columns.items()
        }


def labels(edges: Sequence[float]) -> list[str]:
    """Return a text a bin: below the first edge, between two, and from the last on."""
    cuts = [f"{edge:.6g}" for edge in edges]
    if len(set(cuts)) < len(cuts):  # Two bins of one name would be one.
        cuts = [repr(float(edge)) for edge in edges]
    return [f"below {cuts[0]}", *(f"{low} to {high}" for low, high in pairwise(cuts)), f"{cuts[-1]} or more"]


def _told(of: str, edges: Sequence[float], to: To) -> Derived:
    return Derived((of,), f"bins of {of} from {', '.join(f'{edge:g}' for edge in edges)} on, by {to}")
