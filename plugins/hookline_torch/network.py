"""The shape of a network, as plain data: how to build it in PyTorch, and how to say it in ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Network:
    """Linear layers with what follows each; the last has one output a class, or one for a number."""

    inputs: int
    outputs: int
    hidden: tuple[int, ...]
    activation: str
    dropout: float
    batch_norm: bool

    def build(self) -> torch.nn.Sequential:
        """Return an ordinary module with fresh weights: float32 (n, inputs) -> float32 (n, outputs)."""
        from torch import nn

        activations = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}
        layers: list[nn.Module] = []
        width = self.inputs
        for units in self.hidden:
            layers.append(nn.Linear(width, units))
            if self.batch_norm:
                layers.append(nn.BatchNorm1d(units))
            layers.append(activations[self.activation]())
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
            width = units
        return nn.Sequential(*layers, nn.Linear(width, self.outputs))

    def plain(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Network:
        """Rebuild from fields that went through JSON."""
        return cls(**{**fields, "hidden": tuple(fields["hidden"])})


def to_onnx(module: torch.nn.Sequential, X: Any) -> Any:
    """Return the module's output for X (spox.Var, float32 (N, inputs)), as inference computes it."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op
    from torch import nn

    def constant(tensor: Any) -> Any:
        return op.const(tensor.detach().cpu().numpy().astype(np.float32))

    value = X
    for layer in module:
        if isinstance(layer, nn.Linear):
            value = op.gemm(value, constant(layer.weight), constant(layer.bias), transB=1)
        elif isinstance(layer, nn.BatchNorm1d):
            factor, offset = _affine(layer)
            value = op.add(op.mul(value, constant(factor)), constant(offset))
        elif isinstance(layer, nn.ReLU):
            value = op.relu(value)
        elif isinstance(layer, nn.GELU):
            value = op.gelu(value)
        elif isinstance(layer, nn.Tanh):
            value = op.tanh(value)
        else:
            assert isinstance(layer, nn.Dropout), f"no words for {layer}"
    return value


def _affine(layer: torch.nn.BatchNorm1d) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what batch normalization multiplies by and adds once its statistics are fixed."""
    weight, bias, mean, variance = layer.weight, layer.bias, layer.running_mean, layer.running_var
    assert mean is not None
    assert variance is not None
    factor = weight / (variance + layer.eps).sqrt()
    return factor, bias - mean * factor
