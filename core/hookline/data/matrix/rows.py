"""Rows of a design matrix that a network learns from, and those that it stops on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from hookline.errors import DataError
from hookline.kinds.artifacts import Features

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class MatrixRows:
    """Rows of a design matrix, dense or CSR, which may lie memory-mapped on disk.

    X: float32 (n_rows, n_features); y: int64 codes or float32 numbers, (n_rows,); weight: float32, (n_rows,)
    which: int64, (n,), the rows of the matrix that are meant
    """

    trainer: str
    X: Any
    y: np.ndarray
    weight: np.ndarray
    which: np.ndarray

    @classmethod
    def of(cls, trainer: str, features: Features, center: float, scale: float) -> Self:
        """Take features with their truth; numbers to predict become (number - center) / scale.

        Raises DataError where no row has a weight above 0.
        """
        import numpy as np

        y: Any = features.y
        if features.target is not None and features.target.task == "regression":
            y = ((y - center) / scale).astype(np.float32)
        weight = np.ones(len(y)) if features.sample_weight is None else features.sample_weight
        if len(y) and not weight.any():
            raise DataError(
                f"trainer '{trainer}' needs rows with a weight above 0, and the split gave it none",
                hint="look at the column of roles.weight",
            )
        return cls(trainer, features.X, y, (weight / weight.mean()).astype(np.float32), np.arange(len(y)))

    def cut(self, fraction: float, seed: int) -> tuple[Self, Self]:
        """Divide at random into rows to learn from and rows to stop on; raises DataError where there are fewer than 2.

        A row of weight 0 would stop nothing and teach nothing: it is in neither part.
        """
        import numpy as np

        counted = self.which[self.weight[self.which] > 0]
        if len(counted) < 2:
            raise DataError(
                f"trainer '{self.trainer}' needs at least 2 training rows", hint="trainer.patience=null takes one"
            )
        order = np.random.default_rng(seed).permutation(counted)
        held = min(max(1, round(fraction * len(order))), len(order) - 1)
        return self._taken(np.sort(order[held:])), self._taken(np.sort(order[:held]))

    def _taken(self, which: np.ndarray) -> Self:
        """Return some of the rows, their mean weight 1."""
        return replace(self, which=which, weight=self.weight / self.weight[which].mean())

    def __len__(self) -> int:
        return len(self.which)
