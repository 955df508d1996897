"""The shape of a transformer for tables, as plain data: how to build it in PyTorch, and how to say it in ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .columns import Columns, constant

if TYPE_CHECKING:
    from .modules import Block, TransformerModule


@dataclass(frozen=True)
class Transformer:
    """FT-Transformer (Gorishniy et al. 2021, "Revisiting deep learning models for tabular data", section 3.3).

    width: of the vector that each feature becomes; hidden: units between the two layers of a block
    dropouts: of attention, of hidden units, of what a block adds
    """

    columns: Columns
    outputs: int
    blocks: int
    width: int
    heads: int
    hidden: int
    dropouts: tuple[float, float, float]

    def __str__(self) -> str:
        return f"transformer of {self.blocks} blocks of {self.width} x {self.hidden} with {self.heads} heads"

    def build(self) -> TransformerModule:
        """Return a module with fresh weights: float32 (n, n_features) -> float32 (n, outputs)."""
        from .modules import Block, Tokens, TransformerModule

        embeddings = self.columns.embeddings((self.width,) * len(self.columns.codes))
        tokens = Tokens(self.columns.numbers, embeddings, self.width)
        blocks = [
            Block(self.width, self.heads, self.hidden, self.dropouts, first=place == 0) for place in range(self.blocks)
        ]
        return TransformerModule(tokens, blocks, self.width, self.outputs)

    def plain(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Transformer:
        """Rebuild from fields that went through JSON."""
        attention, hidden, residual = fields["dropouts"]
        columns = Columns.plainly(fields["columns"])
        return cls(**{**fields, "columns": columns, "dropouts": (attention, hidden, residual)})

    def importances(self, module: Any) -> list[float]:
        """Return nothing: no weight of it says what a feature is worth."""
        return []

    def to_onnx(self, module: TransformerModule, X: Any) -> Any:
        """Return the module's output for X (spox.Var, float32 (N, n_features)), as inference computes it."""
        import spox.opset.ai.onnx.v21 as op

        tokens = self._tokens(module, X)
        for place, block in enumerate(module.blocks):
            tokens = self._block(block, tokens, answer=place == self.blocks - 1)  # type: ignore[arg-type]  # ModuleList
        answer = op.squeeze(_first(tokens), _numbers(1))
        return _linear(module.last, op.relu(_norm(module.norm, answer)))

    def _tokens(self, module: TransformerModule, X: Any) -> Any:
        import spox.opset.ai.onnx.v21 as op

        made, tokens = [], module.tokens
        if self.columns.numbers:
            numbers = op.unsqueeze(self.columns.onnx_numbers(X), _numbers(2))
            made.append(op.mul(numbers, constant(tokens.factors)))
        vectors = self.columns.onnx_vectors(X, tokens.embeddings)
        made += [op.unsqueeze(vector, _numbers(1)) for vector in vectors]
        features = op.add(op.concat(made, axis=1), constant(tokens.offsets))
        rows = op.gather(op.shape(X), _numbers(0), axis=0)
        answer = op.expand(constant(tokens.answer), op.concat([rows, _numbers(1, self.width)], axis=0))
        return op.concat([answer, features], axis=1)

    def _block(self, block: Block, tokens: Any, *, answer: bool) -> Any:
        import spox.opset.ai.onnx.v21 as op

        seen = _norm(block.before_attention, tokens)
        kept = _first(tokens) if answer else tokens
        attended = self._attend(block, _first(seen) if answer else seen, seen)
        tokens = op.add(kept, _linear(block.together, attended))
        value, gate = op.split(_linear(block.wide, _norm(block.before_hidden, tokens)), num_outputs=2, axis=2)
        return op.add(tokens, _linear(block.narrow, op.mul(value, op.relu(gate))))

    def _attend(self, block: Block, asking: Any, seen: Any) -> Any:
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        def heads(value: Any, order: list[int]) -> Any:
            return op.transpose(op.reshape(value, _numbers(0, 0, self.heads, self.width // self.heads)), perm=order)

        queries = heads(_linear(block.queries, asking), [0, 2, 1, 3])
        keys = heads(_linear(block.keys, seen), [0, 2, 3, 1])
        values = heads(_linear(block.values, seen), [0, 2, 1, 3])
        scale = op.const(np.float32((self.width // self.heads) ** -0.5))
        weights = op.softmax(op.matmul(op.mul(queries, scale), keys), axis=3)
        return op.reshape(op.transpose(op.matmul(weights, values), perm=[0, 2, 1, 3]), _numbers(0, 0, self.width))


def _numbers(*values: int) -> Any:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.const(np.array(values, dtype=np.int64))


def _first(tokens: Any) -> Any:
    import spox.opset.ai.onnx.v21 as op

    return op.gather(tokens, _numbers(0), axis=1)


def _linear(layer: Any, value: Any) -> Any:
    import spox.opset.ai.onnx.v21 as op

    return op.add(op.matmul(value, constant(layer.weight.T)), constant(layer.bias))


def _norm(layer: Any, value: Any) -> Any:
    import spox.opset.ai.onnx.v21 as op
    from torch import nn

    if not isinstance(layer, nn.LayerNorm):
        return value
    scaled, *_ = op.layer_normalization(value, constant(layer.weight), constant(layer.bias), epsilon=layer.eps)
    return scaled
