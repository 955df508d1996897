"""Which columns of a design matrix hold numbers, and which codes of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.data.matrix.codes import CodedColumns

if TYPE_CHECKING:
    from .modules import Embeddings


@dataclass(frozen=True)
class Columns(CodedColumns):
    """The places of numbers and codes, as layers and graphs take them."""

    @property
    def count(self) -> int:
        """All columns."""
        return len(self.numbers) + len(self.codes)

    def embeddings(self, widths: Sequence[int]) -> Embeddings:
        """Return fresh tables."""
        from .modules import Embeddings

        return Embeddings(self.codes, self.sizes, widths, self.weights_of_codes)

    def onnx_numbers(self, X: Any) -> Any:
        """Say it as ONNX: (N, n_features) -> (N, n_numbers)."""
        import spox.opset.ai.onnx.v21 as op

        return op.gather(X, _places(self.numbers), axis=1)

    def onnx_vectors(self, X: Any, embeddings: Embeddings) -> list[Any]:
        """Say it as ONNX: the vector of each category, (N, width) each."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        found = []
        for place, table, weight in zip(self.codes, embeddings.tables, self.weights_of_codes, strict=True):
            column = op.squeeze(op.gather(X, _places((place,)), axis=1), op.const(np.array([1], dtype=np.int64)))
            codes = op.add(op.cast(column, to=np.int64), op.const(np.int64(1)))
            vectors: Any = table.weight
            found.append(op.gather(constant(vectors * weight), codes, axis=0))
        return found


def constant(tensor: Any) -> Any:
    """Return a tensor as a constant of ONNX, float32."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.const(tensor.detach().cpu().numpy().astype(np.float32))


def _places(places: Sequence[int]) -> Any:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.const(np.array(places, dtype=np.int64))
