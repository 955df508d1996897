"""Rows that a network learns from, read a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from hookline.data.matrix.rows import MatrixRows

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""X: float32 (n, n_features); y: int64 codes or float32 numbers, (n,); weight: float32, (n,)."""
PARTS = ("data", "indices", "indptr")
"""What a sparse matrix is made of."""


@dataclass(frozen=True)
class Rows(MatrixRows, Dataset[Batch]):
    """Rows of a design matrix, read a batch at a time, so that a memory-mapped or sparse one stays on disk.

    weighs: whether a batch has weights
    Sent to another process, what is memory-mapped goes there by its file's name.
    """

    weighs: bool = True

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
