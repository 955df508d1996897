"""Texts put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Len

from hookline import Dataset, Derived, Transform

from .base import require

if TYPE_CHECKING:
    import polars as pl


class CrossTransform(Transform):
    """Add texts that are put together of several columns of texts: `columns={plan_country: [plan, country]}`."""

    name = "cross"
    # Texts that are put together came with it.
    onnx_opset: ClassVar[int] = 20
    columns: Mapping[str, Annotated[tuple[str, ...], Len(2)]]
    """New column -> the columns of texts; where one is missing, so is the new text."""
    between: str = " x "
    """What stands between two texts."""

    def fit(self, train: Dataset) -> CrossTransform:
        """Check the columns; raises DataError or ConfigError."""
        require(self.name, train, self.added(), ("string",))
        return self

    def added(self) -> Mapping[str, Derived]:
        """Return the texts."""
        return {new: Derived(of, f" + {self.between!r} + ".join(of)) for new, of in self.columns.items()}

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the texts."""
        import polars as pl

        def held(name: str) -> pl.Expr:
            text = pl.col(name).cast(pl.String)
            return pl.when(text != "").then(text)

        return frame.with_columns(
            pl.concat_str(list(map(held, of)), separator=self.between).alias(new) for new, of in self.columns.items()
        )

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        import spox.opset.ai.onnx.v21 as op

        from ..onnx import is_missing, texts

        made = {}
        for new, (first, *others) in self.columns.items():
            whole, missing = inputs[first], is_missing(inputs[first])
            for name in others:
                whole = op.string_concat(op.string_concat(whole, texts([self.between])), inputs[name])
                missing = op.or_(missing, is_missing(inputs[name]))
            made[new] = op.where(missing, texts([""]), whole)
        return {**inputs, **made}
