"""The `mlp` trainer: a multilayer perceptron for tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from annotated_types import Gt, Interval

from hookline import Feature
from hookline.errors import DataError

from ..columns import Columns
from ..network import Network
from .ready import ReadyTrainer


class MlpTrainer(ReadyTrainer):
    """A multilayer perceptron: categories embedded, early stopping, checkpoints that a killed run goes on from.

    Numbers should be scaled and complete (`featurizer.tabular.missing=zero`). Categories that come as codes
    (`featurizer.tabular.categorical=codes`) are embedded: each becomes a vector that is learned (Guo and Berkhahn 2016, "Entity
    embeddings of categorical variables"). Learns with AdamW (Loshchilov and Hutter 2019, "Decoupled weight decay
    regularization") on cross-entropy or squared error. `update` goes on from the weights of a fitted network, and from what
    AdamW has learned of its steps. On a CPU the same seed gives the same weights bit for bit, for as many threads; on GPUs it
    does where one of them trains.
    """

    name = "mlp"
    hidden: tuple[Annotated[int, Gt(0)], ...] = (64, 32)
    """Units of each hidden layer."""
    activation: Literal["relu", "gelu", "tanh"] = "relu"
    """What follows each hidden layer."""
    dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """Share of units left out at random while training."""
    batch_norm: bool = False
    """Whether to normalize each hidden layer over the batch."""
    embedding: Annotated[int, Gt(0)] | None = None
    """Numbers that a category becomes; null takes 1.6 * categories ** 0.56, at most 50 (a rule of thumb of fast.ai)."""

    def network(self, features: Sequence[Feature], outputs: int) -> Network:
        """Return the layers."""
        columns = Columns.of(features)
        return Network(
            inputs=len(features),
            outputs=outputs,
            hidden=self.hidden,
            activation=self.activation,
            dropout=self.dropout,
            batch_norm=self.batch_norm,
            columns=columns if columns.codes else None,
            widths=columns.widths(self.embedding),
        )

    def require_batches(self, rows: int) -> None:
        """Raise DataError where a batch has one row, and is to be normalized."""
        devices = self.devices if isinstance(self.devices, int) else 1
        if self.batch_norm and min(self.batch_size, rows) < 2 * devices:
            raise DataError(
                "trainer 'mlp' cannot normalize over batches of one row", hint="set trainer.batch_norm=false"
            )
