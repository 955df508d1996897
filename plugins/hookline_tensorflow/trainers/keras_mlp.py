"""The `keras_mlp` trainer: a multilayer perceptron for tables."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Gt, Interval

from hookline import Features
from hookline.data.learnable import standard_of
from hookline.data.matrix.codes import CodedColumns
from hookline.errors import DataError

from ..model import ReadyModel
from ..network import Network
from .fields import KerasFit


class KerasMlpTrainer(KerasFit):
    """A multilayer perceptron in Keras: categories embedded, early stopping, checkpoints that a killed run goes on from.

    Numbers should be scaled and complete (`featurizer.tabular.missing=zero`). Categories that come as codes
    (`featurizer.tabular.categorical=codes`) are embedded: each becomes a vector that is learned (Guo and Berkhahn 2016, "Entity
    embeddings of categorical variables"). Learns with AdamW (Loshchilov and Hutter 2019, "Decoupled weight decay
    regularization") on cross-entropy or squared error. Fields are those of `mlp`. On one machine the same seed gives the same
    weights bit for bit, for as many threads: only deterministic operations of TensorFlow are used.
    """

    name = "keras_mlp"
    embeds_categories = True
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

    def fit(self, train: Features, valid: Features | None) -> ReadyModel:
        """Fit by gradient descent.

        Raises DataError where features are missing or not finite, or too few rows are at hand.
        """
        from ..runtime import keras
        from ..training.fitting import fit_module, steps_in
        from ..training.quiet import own_random_state

        train, valid = train.weighing(), valid.weighing() if valid else None
        assert train.target is not None
        center, scale = standard_of(train)
        classes = len(train.target.classes)
        network, training = self._network(train, classes or 1), self._training()
        given = self._given(train, valid, center, scale)
        if self.batch_norm and min(self.batch_size, len(given.train)) < 2:
            raise DataError(
                "trainer 'keras_mlp' cannot normalize over batches of one row", hint="set trainer.batch_norm=false"
            )
        with own_random_state(self.seed):
            module, losses = network.build(), keras().losses
            loss = losses.SparseCategoricalCrossentropy(from_logits=True) if classes else losses.MeanSquaredError()
            module.compile(self._steps().optimizer(steps_in(len(given.train), training)), loss)
            fit_module(module, given, training)
        return ReadyModel(module, network.outputs, train.names, center, scale, network=network)

    def _network(self, train: Features, outputs: int) -> Network:
        columns = CodedColumns.of(train.features)
        return Network(
            inputs=len(train.features),
            outputs=outputs,
            hidden=self.hidden,
            activation=self.activation,
            dropout=self.dropout,
            batch_norm=self.batch_norm,
            columns=columns,
            widths=columns.widths(self.embedding),
        )
