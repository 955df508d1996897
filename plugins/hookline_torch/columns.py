"""Which columns of a design matrix hold numbers, and which codes of categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import Feature

if TYPE_CHECKING:
    from .modules import Embeddings

LARGEST_WIDTH = 50
"""Numbers that a category becomes at most, where nobody says how many."""


@dataclass(frozen=True)
class Columns:
    """The places of numbers, and of codes with how many categories each has.

    A code is the position of a category, -1 where it is unseen or missing.
    """

    numbers: tuple[int, ...]
    codes: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()

    @classmethod
    def of(cls, features: Sequence[Feature]) -> Columns:
        """Tell them apart by `Feature.categories`."""
        codes = {place: one.categories for place, one in enumerate(features) if one.categories is not None}
        numbers = tuple(place for place in range(len(features)) if place not in codes)
        return cls(numbers, tuple(codes), tuple(codes.values()))

    @classmethod
    def plainly(cls, fields: Mapping[str, Any]) -> Columns:
        """Rebuild from fields that went through JSON."""
        return cls(**{name: tuple(value) for name, value in fields.items()})

    @property
    def count(self) -> int:
        """All columns."""
        return len(self.numbers) + len(self.codes)

    def widths(self, width: int | None) -> tuple[int, ...]:
        """Return how many numbers a category of each column becomes: `width`, or what fast.ai's rule of thumb says."""
        if width is not None:
            return (width,) * len(self.sizes)
        return tuple(min(LARGEST_WIDTH, round(1.6 * (size + 1) ** 0.56)) for size in self.sizes)

    def embeddings(self, widths: Sequence[int]) -> Embeddings:
        """Return fresh tables."""
        from .modules import Embeddings

        return Embeddings(self.codes, self.sizes, widths)

    def onnx_numbers(self, X: Any) -> Any:
        """Say it as ONNX: (N, n_features) -> (N, n_numbers)."""
        import spox.opset.ai.onnx.v21 as op

        return op.gather(X, _places(self.numbers), axis=1)

    def onnx_vectors(self, X: Any, embeddings: Embeddings) -> list[Any]:
        """Say it as ONNX: the vector of each category, (N, width) each."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        found = []
        for place, table in zip(self.codes, embeddings.tables, strict=True):
            column = op.squeeze(op.gather(X, _places((place,)), axis=1), op.const(np.array([1], dtype=np.int64)))
            codes = op.add(op.cast(column, to=np.int64), op.const(np.int64(1)))
            found.append(op.gather(constant(table.weight), codes, axis=0))
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
