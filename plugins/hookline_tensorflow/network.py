"""The shape of a multilayer perceptron, as plain data, and how to build it of Keras's own layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hookline.data.matrix.codes import CodedColumns

from .runtime import keras

SMALL = 0.05
"""Standard deviation of fresh embeddings, small beside numbers of variance 1."""
EMBEDDING = "embedding_{}"
FIRST = "first"
"""Names of layers that are asked for their weights."""


@dataclass(frozen=True)
class Network:
    """Dense layers with what follows each; the last has one output a class, or one for a number.

    columns: which features are numbers, and which codes of categories, embedded before the first layer
    widths: numbers that a category of each such feature becomes
    """

    inputs: int
    outputs: int
    hidden: tuple[int, ...]
    activation: str
    dropout: float
    batch_norm: bool
    columns: CodedColumns
    widths: tuple[int, ...] = ()

    def build(self) -> Any:
        """Return a keras.Model with fresh weights: float32 (n, inputs) -> float32 (n, outputs), log-odds or a number."""
        layers = keras().layers
        X = keras().Input((self.inputs,), name="X")
        value = self._embedded(X) if self.columns.codes else X
        for place, units in enumerate(self.hidden):
            value = layers.Dense(units, name=FIRST if place == 0 else None)(value)
            if self.batch_norm:
                value = layers.BatchNormalization()(value)
            value = layers.Activation(self.activation)(value)
            if self.dropout:
                value = layers.Dropout(self.dropout)(value)
        return keras().Model(X, layers.Dense(self.outputs, name=None if self.hidden else FIRST)(value))

    def _embedded(self, X: Any) -> Any:
        """Return numbers as they are, and behind them the vector of each category, of an own one where it is unseen."""
        ops, layers = keras().ops, keras().layers
        parts = [ops.take(X, list(self.columns.numbers), axis=1)] if self.columns.numbers else []
        fresh = keras().initializers.RandomNormal(stddev=SMALL)
        for number, place in enumerate(self.columns.codes):
            code = ops.cast(ops.take(X, place, axis=1), "int32") + 1
            table = layers.Embedding(
                self.columns.sizes[number] + 1, self.widths[number], fresh, name=EMBEDDING.format(number)
            )
            vector, weight = table(code), self.columns.weights_of_codes[number]
            parts.append(vector if weight == 1 else vector * weight)
        return layers.Concatenate()(parts) if len(parts) > 1 else parts[0]

    def plain(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Network:
        """Rebuild from fields that went through JSON."""
        lists = {name: tuple(fields[name]) for name in ("hidden", "widths")}
        return cls(**{**fields, **lists, "columns": CodedColumns.plainly(fields["columns"])})

    def importances(self, module: Any) -> list[float]:
        """Return the mean absolute weight of each feature in the first layer; features should be on one scale.

        Of a category it is how far the parts that categories add to the layer are from their mean, on average.
        """
        weights, found = module.get_layer(FIRST).get_weights()[0], [0.0] * self.inputs
        for row, place in enumerate(self.columns.numbers):
            found[place] = float(abs(weights[row]).mean())
        start = len(self.columns.numbers)
        for number, place in enumerate(self.columns.codes):
            table = module.get_layer(EMBEDDING.format(number)).get_weights()[0][1:]
            added = table @ weights[start : start + table.shape[1]]
            found[place] = float(abs(added - added.mean(axis=0)).mean())
            start += table.shape[1]
        return found
