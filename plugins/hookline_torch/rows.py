"""Rows that a network learns from, read a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from hookline import Features
from hookline.errors import DataError

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""X: float32 (n, n_features); y: int64 codes or float32 numbers, (n,); weight: float32, (n,)."""
PARTS = ("data", "indices", "indptr")
"""What a sparse matrix is made of."""


@dataclass(frozen=True)
class Rows(Dataset[Batch]):
    """Rows of a design matrix, read a batch at a time, so that a memory-mapped or sparse one stays on disk.

    X: float32 (n_rows, n_features), dense or CSR; y: int64 codes or float32 numbers, (n_rows,); weight: float32, (n_rows,)
    which: int64, (n,), the rows of the matrix that are meant
    weighs: whether a batch has weights
    Sent to another process, what is memory-mapped goes there by its file's name.
    """

    trainer: str
    X: Any
    y: np.ndarray
    weight: np.ndarray
    which: np.ndarray
    weighs: bool = True

    @classmethod
    def of(cls, trainer: str, features: Features, center: float, scale: float) -> Rows:
        """Take features with their truth; numbers to predict become (number - center) / scale.

        Raises DataError where no row has a weight above 0.
        """
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

    def cut(self, fraction: float, seed: int) -> tuple[Rows, Rows]:
        """Divide at random into rows to learn from and rows to stop on; raises DataError where there are fewer than 2.

        A row of weight 0 would stop nothing and teach nothing: it is in neither part.
        """
        counted = self.which[self.weight[self.which] > 0]
        if len(counted) < 2:
            raise DataError(
                f"trainer '{self.trainer}' needs at least 2 training rows", hint="trainer.patience=null takes one"
            )
        order = np.random.default_rng(seed).permutation(counted)
        held = min(max(1, round(fraction * len(order))), len(order) - 1)
        return self._taken(np.sort(order[held:])), self._taken(np.sort(order[:held]))

    def _taken(self, which: np.ndarray) -> Rows:
        """Return some of the rows, their mean weight 1."""
        return replace(self, which=which, weight=self.weight / self.weight[which].mean())

    def __len__(self) -> int:
        return len(self.which)

    def __getitem__(self, batch: Any) -> Any:
        rows = np.sort(self.which[batch])
        X = self.X[rows]
        dense = np.asarray(X if isinstance(X, np.ndarray) else X.toarray(), dtype=np.float32)
        found = torch.from_numpy(dense), torch.from_numpy(self.y[rows])
        return (*found, torch.from_numpy(self.weight[rows])) if self.weighs else found

    def __getstate__(self) -> dict[str, Any]:
        held = {**vars(self), "X": [_sent(getattr(self.X, part)) for part in PARTS] if self._thin else _sent(self.X)}
        return held | {"y": _sent(self.y), "shape": self.X.shape}

    def __setstate__(self, state: dict[str, Any]) -> None:
        shape, X = state.pop("shape"), state["X"]
        if isinstance(X, list):
            from scipy.sparse import csr_matrix

            state["X"] = csr_matrix(tuple(map(_received, X)), shape=shape, copy=False)
        vars(self).update(state | ({} if isinstance(X, list) else {"X": _received(X)}), y=_received(state["y"]))

    @property
    def _thin(self) -> bool:
        return hasattr(self.X, "indptr")


@dataclass(frozen=True)
class Mapped:
    """An array that is part of a file."""

    file: Path
    offset: int
    dtype: str
    shape: tuple[int, ...]


def _sent(array: np.ndarray) -> Mapped | np.ndarray:
    """Return where a memory-mapped array lies, or the array where it lies in memory."""
    whole: Any = None
    base: Any = array
    while isinstance(base, np.ndarray):
        # A part of a memory map is one too, and says the offset of the whole.
        whole, base = base if isinstance(base, np.memmap) else whole, base.base
    if whole is None or whole.filename is None or not array.flags.c_contiguous:
        return array
    offset = whole.offset + array.ctypes.data - whole.ctypes.data
    return Mapped(Path(whole.filename), offset, array.dtype.str, array.shape)


def _received(sent: Mapped | np.ndarray) -> np.ndarray:
    if not isinstance(sent, Mapped):
        return sent
    return np.memmap(sent.file, sent.dtype, "r", sent.offset, sent.shape).view(np.ndarray)
