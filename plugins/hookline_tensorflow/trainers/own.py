"""The trainer for a project's own Keras models: a plugin derives from it, and registers what it derives."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from hookline import Features
from hookline.data.learnable import standard_of
from hookline.errors import ConfigError, Problem

from ..model import OwnModel
from .fields import KerasFit


class KerasTrainer(KerasFit):
    """Fits a Keras model of yours; derive from it, and register what you derive.

    `model(train)` returns a keras.Model: float32 (n, n_features) -> one probability a class (n, n_classes), that of the second of
    two (n, 1), or a number (n, 1). Where it is compiled, its own loss, optimizer and metrics are used, else AdamW by the
    fields here on cross-entropy or squared error. Truth is int64 class codes or float32 numbers, (n,); a batch comes with its
    weights. `callbacks(train)` may return callbacks; what they remember is not part of a checkpoint.

    >>> from typing import Annotated
    >>> from annotated_types import Gt
    >>> from hookline_tensorflow import KerasTrainer
    >>> class SlimTrainer(KerasTrainer):
    ...     '''One hidden layer.'''
    ...
    ...     name = "slim"
    ...     units: Annotated[int, Gt(0)] = 16
    ...
    ...     def model(self, train):
    ...         import keras
    ...
    ...         layers = keras.layers
    ...         last = layers.Dense(len(train.target.classes), activation="softmax")
    ...         return keras.Sequential([layers.Dense(self.units, activation="relu"), last])
    """

    logits: ClassVar[bool] = False
    """Whether the model answers log-odds rather than probabilities."""
    monitor: str = "val_loss"
    """What Keras measures of validation rows, and training stops on."""
    mode: Literal["min", "max"] = "min"
    """Whether less of it is better, or more."""
    standardize: bool = True
    """Whether numbers to predict are brought to mean 0 and variance 1 for the model, and its answers back."""

    @abstractmethod
    def model(self, train: Features) -> Any:
        """Return the model with fresh weights, compiled or not; `train` says features, classes and rows."""

    def callbacks(self, train: Features) -> Sequence[Any]:
        """Return callbacks of Keras, beside those that keep the best weights and write checkpoints."""
        return ()

    def fit(self, train: Features, valid: Features | None) -> OwnModel:
        """Fit by Keras.

        Raises DataError for gaps, weights of it that end up not finite, and answers of another shape than the target's, and
        ConfigError for what is no Keras model, or where `monitor` is not measured.
        """
        import numpy as np

        from ..training.fitting import fit_module
        from ..training.quiet import own_random_state

        train, valid = train.weighing(), valid.weighing() if valid else None
        assert train.target is not None
        center, scale = standard_of(train) if self.standardize else (0.0, 1.0)
        outputs = len(train.target.classes) or 1
        given = self._given(train, valid, center, scale)
        with own_random_state(self.seed):
            module = self._compiled(train, outputs, len(given.train))
            made = OwnModel(module, outputs, train.names, center, scale, self.logits)
            made.require_outputs()
            training = self._training(monitor=self.monitor, mode=self.mode)
            fit_module(module, given, training, self.callbacks(train))
        model = OwnModel(module, outputs, train.names, center, scale, self.logits)
        first: Any = train.X[:1]
        model.require_probabilities(first if isinstance(first, np.ndarray) else first.toarray())
        return model

    def _compiled(self, train: Features, outputs: int, rows: int) -> Any:
        """Return the model, built and compiled; raises ConfigError where it is none."""
        from ..runtime import keras
        from ..training.fitting import steps_in

        module = self.model(train)
        if not isinstance(module, keras().Model):
            problem = Problem("trainer", f"model() of '{self.name}' returns a {type(module).__name__}, no keras.Model")
            raise ConfigError(f"bad model for trainer '{self.name}'", [problem])
        if not module.built:
            module.build((None, len(train.features)))
        if not module.compiled:
            optimizer = self._steps().optimizer(steps_in(rows, self._training()))
            module.compile(optimizer, self._loss(module, outputs))
        return module

    def _loss(self, module: Any, outputs: int) -> Any:
        from ..runtime import keras

        losses = keras().losses
        if outputs == 1:
            return losses.MeanSquaredError()
        if module.output_shape[-1] == 1:
            return losses.BinaryCrossentropy(from_logits=self.logits)
        return losses.SparseCategoricalCrossentropy(from_logits=self.logits)
