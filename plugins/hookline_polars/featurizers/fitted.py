"""A fitted tabular featurizer: plain data that makes a design matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import Feature, Features

from .encodings import Encoding
from .matrix import dense, sparse

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FittedTabular:
    """How each raw column becomes columns of the matrix."""

    encodings: tuple[Encoding, ...]
    is_sparse: bool

    @property
    def features(self) -> tuple[Feature, ...]:
        """What each column of the matrix is."""
        return tuple(feature for encoding in self.encodings for feature in encoding.features())

    def transform(self, frame: pl.LazyFrame) -> Features:
        """Return the matrix: float32, (n_rows, n_features), C order or CSR. Unseen categories never fail."""
        rows = self.collect(frame)
        return Features(sparse(self.encodings, rows) if self.is_sparse else dense(self.encodings, rows), self.features)

    def collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        """Return scaled numbers (float32) and category codes (uint32, null where unseen or missing), in one pass."""
        return frame.select([expr for encoding in self.encodings for expr in encoding.exprs()]).collect()

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX: {"X": float32 (N, n_features)}."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        from .tabular_onnx import blocks_of

        blocks = [op.cast(block, to=np.float32) for block in blocks_of(self.encodings, inputs)]
        return {"X": op.concat(blocks, axis=1)}
