"""The shape of a multilayer perceptron, as plain data: how to build it in PyTorch, and how to say it in ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .columns import Columns, constant

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Network:
    """Linear layers with what follows each; the last has one output a class, or one for a number.

    columns: which features are codes of categories, embedded before the first layer; None: all are numbers
    widths: numbers that a category of each such feature becomes
    """

    inputs: int
    outputs: int
    hidden: tuple[int, ...]
    activation: str
    dropout: float
    batch_norm: bool
    columns: Columns | None = None
    widths: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"network of {self.hidden}"

    def build(self) -> torch.nn.Sequential:
        """Return an ordinary module with fresh weights: float32 (n, inputs) -> float32 (n, outputs)."""
        from torch import nn

        activations = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}
        layers: list[nn.Module] = []
        width = self.inputs
        if self.columns is not None:
            from .modules import Embedded

            layers.append(Embedded(self.columns.numbers, self.columns.embeddings(self.widths)))
            width = len(self.columns.numbers) + sum(self.widths)
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
        columns = fields.get("columns")
        lists = {name: tuple(fields.get(name, ())) for name in ("hidden", "widths")}
        return cls(**{**fields, **lists, "columns": None if columns is None else Columns.plainly(columns)})

    def importances(self, module: Any) -> list[float]:
        """Return the mean absolute weight of each feature in the first layer; features should be on one scale.

        Of a category it is how far the parts that categories add to the layer are from their mean, on average.
        """
        columns = self.columns or Columns(tuple(range(self.inputs)))
        first: Any = module[0] if self.columns is None else module[1]
        weights, found = first.weight.detach().cpu(), [0.0] * self.inputs
        for place, value in zip(columns.numbers, weights.abs().mean(dim=0).tolist(), strict=False):
            found[place] = value
        start = len(columns.numbers)
        for number, place in enumerate(columns.codes):
            table = module[0].embeddings.tables[number].weight.detach().cpu()[1:]
            added = table @ weights[:, start : start + table.shape[1]].T
            found[place] = float((added - added.mean(dim=0)).abs().mean())
            start += table.shape[1]
        return found

    def to_onnx(self, module: Any, X: Any) -> Any:
        """Return the module's output for X (spox.Var, float32 (N, inputs)), as inference computes it."""
        import spox.opset.ai.onnx.v21 as op
        from torch import nn

        layers, value = list(module), X
        if self.columns is not None:
            first = layers.pop(0)
            vectors = self.columns.onnx_vectors(X, first.embeddings)
            numbers = [self.columns.onnx_numbers(X)] if self.columns.numbers else []
            value = op.concat([*numbers, *vectors], axis=1)
        for layer in layers:
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
