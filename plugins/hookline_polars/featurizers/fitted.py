"""A fitted tabular featurizer: plain data that makes a design matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

from hookline import Dataset, Feature, Features

from .crossfit import Folds
from .encodings.categories import OneHotEncoding, OrdinalEncoding, ScaledOrdinalEncoding
from .encodings.datetimes import DatetimeEncoding, ScaledDatetimeEncoding
from .encodings.hashes import HashingEncoding
from .encodings.numbers import NumberEncoding
from .encodings.shares import CountEncoding, EvidenceEncoding
from .encodings.targets import ScaledTargetEncoding, TargetEncoding
from .matrix import dense, placed, sparse

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class ToldBy:
    """Marks a union of dataclasses that are told apart by the literal text in one of their fields."""

    field: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Choose by the field alone, so that a problem is that of the one class that was meant."""
        from pydantic import Field

        return handler.generate_schema(Annotated[source, Field(discriminator=self.field)])


Encoding = Annotated[
    NumberEncoding
    | OneHotEncoding
    | OrdinalEncoding
    | ScaledOrdinalEncoding
    | TargetEncoding
    | ScaledTargetEncoding
    | CountEncoding
    | EvidenceEncoding
    | HashingEncoding
    | DatetimeEncoding
    | ScaledDatetimeEncoding,
    ToldBy("how"),
]
"""Every encoding, as it is stored."""


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
        rows = self._collect(frame)
        return Features(sparse(self.encodings, rows) if self.is_sparse else dense(self.encodings, rows), self.features)

    def transform_crossfitted(self, train: Dataset, folds: Folds) -> Features:
        """Return the matrix of the training rows, each encoded by the rows of other folds where the target is involved."""
        rows = self._collect(train.frame)
        X = sparse(self.encodings, rows).toarray() if self.is_sparse else dense(self.encodings, rows)
        for encoding, first, end in placed(self.encodings):
            encoding.write_crossfitted(rows, X[:, first:end], folds)
        if not self.is_sparse:
            return Features(X, self.features)
        from scipy.sparse import csr_matrix

        return Features(csr_matrix(X), self.features)

    def _collect(self, frame: pl.LazyFrame) -> pl.DataFrame:
        """Return scaled numbers (float32) and category codes (uint32, null where unseen or missing), in one pass."""
        return frame.select([expr for encoding in self.encodings for expr in encoding.exprs()]).collect()

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX: {"X": float32 (N, n_features)}."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        from ..onnx import is_missing

        blocks: list[Any] = []
        # An indicator follows its own column, so that such an encoding stands alone.
        for _, some in groupby(self.encodings, key=lambda one: (one.how, one.indicator and one.column)):
            together = list(some)
            # Those of one way stand together, so that its own class is given its own kind.
            way: Any = type(together[0])
            blocks += way.onnx_blocks(together, inputs)
            blocks += [is_missing(inputs[one.column]) for one in together if one.indicator]
        return {"X": op.concat([op.cast(block, to=np.float32) for block in blocks], axis=1)}
