"""Texts looked up by their bytes: PyTorch has no tensors of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx.numpy_helper
import torch
from torch import nn

from .answers import texts
from .nodes import Node, Operator, Text

SEED = 20_260
"""Of the factors that bytes are multiplied with; any will do with which the keys' sums differ."""


class TextKeys(nn.Module):
    """Finds the place of each text among keys: by a sum over its bytes first, then byte by byte, so that none is mistaken."""

    def __init__(self, keys: Sequence[str], width: int) -> None:
        super().__init__()
        held, self.last = texts(keys, width), len(keys) - 1
        factors, sums = _factors(held)
        order = np.argsort(sums)
        self.register_buffer("factors", torch.from_numpy(factors))
        self.register_buffer("sums", torch.from_numpy(sums[order]))
        self.register_buffer("keys", torch.from_numpy(held[order]))
        self.register_buffer("places", torch.from_numpy(order.astype(np.int64)))

    def forward(self, given: Text) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the places, int64, and whether there is one; (*shape,) of each."""
        buffers: Any = self
        sums = (given.bytes.to(torch.int64) * buffers.factors).sum(-1)
        at = torch.searchsorted(buffers.sums, sums).clamp(max=self.last)
        return buffers.places[at], (buffers.keys[at] == given.bytes).all(-1)


def _factors(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return factors of the bytes, int64 (width,), with which the sums of the keys, int64 (n,), differ."""
    for seed in range(SEED, SEED + 100):
        factors: Any = np.random.default_rng(seed).integers(-(2**62), 2**62, keys.shape[1], dtype=np.int64)
        # Beyond int64 both numpy and PyTorch go on from the other end.
        sums: Any = (keys.astype(np.int64) * factors).sum(axis=1)
        if len(np.unique(sums)) == len(keys):
            return factors, sums
    raise AssertionError("keys that differ have sums that differ")


class NumberKeys(nn.Module):
    """Finds the place of each number among keys; NaN is one."""

    def __init__(self, keys: np.ndarray) -> None:
        super().__init__()
        order, self.last = np.argsort(keys), len(keys) - 1
        self.register_buffer("keys", torch.from_numpy(keys[order]))
        self.register_buffer("places", torch.from_numpy(order.astype(np.int64)))

    def forward(self, given: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the places, int64, and whether there is one."""
        buffers: Any = self
        at = torch.searchsorted(buffers.keys, given.contiguous()).clamp(max=self.last)
        key = buffers.keys[at]
        found = key == given
        return buffers.places[at], found | (key.isnan() & given.isnan()) if key.is_floating_point() else found


class LabelEncoder(nn.Module):
    """Puts a value in the place of each key, and a default in the place of all else."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        kind, keys = _table(node, "keys")
        self.keys = TextKeys(keys, node.width) if kind == "strings" else NumberKeys(keys)
        kind, values = _table(node, "values")
        self.textual = kind == "strings"
        default = _default(node, kind)
        if self.textual:
            values, default = texts(values, node.width), texts([default], node.width)[0]
        self.register_buffer("values", torch.from_numpy(values))
        self.register_buffer("default", torch.as_tensor(default, dtype=torch.from_numpy(values).dtype))

    def forward(self, given: Any) -> Any:
        """Return the values, in the shape of the keys."""
        buffers: Any = self
        places, found = self.keys(given)
        if self.textual:
            return Text(torch.where(found[..., None], buffers.values[places], buffers.default))
        return torch.where(found, buffers.values[places], buffers.default)


def _table(node: Node, what: str) -> tuple[str, Any]:
    """Return keys or values with the word for their type: texts as a list, numbers as an array."""
    dtypes = {"int64s": np.int64, "floats": np.float32}
    for kind, dtype in dtypes.items():
        if f"{what}_{kind}" in node.attributes:
            return kind, np.asarray(node.get(f"{what}_{kind}"), dtype=dtype)
    if f"{what}_strings" in node.attributes:
        return "strings", [text.decode() for text in node.get(f"{what}_strings")]
    if f"{what}_tensor" in node.attributes:
        array = onnx.numpy_helper.to_array(node.get(f"{what}_tensor"))
        if array.dtype.kind in "if":
            return "tensor", array.ravel().copy()
        return "strings", [one.decode() if isinstance(one, bytes) else str(one) for one in array.ravel()]
    raise node.unsaid("without a table")


def _default(node: Node, kind: str) -> Any:
    if "default_tensor" in node.attributes:
        (value,) = onnx.numpy_helper.to_array(node.get("default_tensor")).ravel()
        return value.decode() if isinstance(value, bytes) else value
    if kind == "strings":
        return node.get("default_string", b"_Unused").decode()
    return node.get("default_int64", -1) if kind == "int64s" else node.get("default_float", -0.0)


def equal(node: Node) -> Operator:
    """Compare texts, or numbers."""

    def compare(one: Any, other: Any) -> torch.Tensor:
        if isinstance(one, Text):
            same: torch.Tensor = (one.bytes == other.bytes).all(-1)
            return same
        return torch.eq(one, other)

    return compare


def where(node: Node) -> Operator:
    """Choose between texts, or numbers."""

    def choose(condition: torch.Tensor, one: Any, other: Any) -> Any:
        if isinstance(one, Text):
            return Text(torch.where(condition[..., None], one.bytes, other.bytes))
        return torch.where(condition, one, other)

    return choose
