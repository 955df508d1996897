"""Rows that a network learns from, read a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from hookline import Features
from hookline.errors import DataError

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""X: float32 (n, n_features); y: int64 codes or float32 numbers, (n,); weight: float32, (n,)."""


@dataclass(frozen=True)
class Rows(Dataset[Batch]):
    """Rows of a design matrix, read a batch at a time, so that a memory-mapped or sparse one stays on disk.

    X: float32 (n_rows, n_features), dense or CSR; y: int64 codes or float32 numbers, (n_rows,); weight: float32, (n_rows,)
    which: int64, (n,), the rows of the matrix that are meant
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray
    which: np.ndarray

    @classmethod
    def of(cls, features: Features, center: float, scale: float) -> Rows:
        """Take features with their truth; numbers to predict are brought to mean 0 and variance 1.

        Raises DataError where no row has a weight above 0.
        """
        y: Any = features.y
        if features.target is not None and features.target.task == "regression":
            y = ((y - center) / scale).astype(np.float32)
        weight = np.ones(len(y)) if features.sample_weight is None else features.sample_weight
        if len(y) and not weight.any():
            raise DataError(
                "trainer 'mlp' needs rows with a weight above 0, and the split gave it none",
                hint="look at the column of roles.weight",
            )
        return cls(features.X, y, (weight / weight.mean()).astype(np.float32), np.arange(len(y)))

    def cut(self, fraction: float, seed: int) -> tuple[Rows, Rows]:
        """Divide at random into rows to learn from and rows to stop on; raises DataError where there are fewer than 2.

        A row of weight 0 would stop nothing and teach nothing: it is in neither part.
        """
        counted = self.which[self.weight[self.which] > 0]
        if len(counted) < 2:
            raise DataError("trainer 'mlp' needs at least 2 training rows", hint="trainer.patience=null takes one")
        order = np.random.default_rng(seed).permutation(counted)
        held = min(max(1, round(fraction * len(order))), len(order) - 1)
        return self._taken(np.sort(order[held:])), self._taken(np.sort(order[:held]))

    def _taken(self, which: np.ndarray) -> Rows:
        """Return some of the rows, their mean weight 1."""
        return replace(self, which=which, weight=self.weight / self.weight[which].mean())

    def __len__(self) -> int:
        return len(self.which)

    def __getitem__(self, batch: Any) -> Batch:
        rows = np.sort(self.which[batch])
        X = self.X[rows]
        dense = np.asarray(X if isinstance(X, np.ndarray) else X.toarray(), dtype=np.float32)
        return torch.from_numpy(dense), torch.from_numpy(self.y[rows]), torch.from_numpy(self.weight[rows])
