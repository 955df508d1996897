"""The `mlp` trainer: a multilayer perceptron for tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Interval

from hookline import Features, Trainer, checkpoint_folder
from hookline.data.learnable import require_finite, require_like, standard_of, truth_of
from hookline.errors import ConfigError, DataError, Problem

from .model import TorchModel
from .network import Network

if TYPE_CHECKING:
    from .loop import Training


class MlpTrainer(Trainer):
    """A multilayer perceptron: mini-batches, early stopping, checkpoints that a killed run goes on from.

    Features should be scaled and complete (`featurizer.tabular.numeric=standard`). Learns with AdamW
    (Loshchilov and Hutter 2019, "Decoupled weight decay regularization") on cross-entropy or squared error. `update` goes on
    from the weights of a fitted network, and from what AdamW has learned of its steps.
    """

    name = "mlp"
    extra = "torch"
    hidden: tuple[Annotated[int, Gt(0)], ...] = (64, 32)
    """Units of each hidden layer."""
    activation: Literal["relu", "gelu", "tanh"] = "relu"
    """What follows each hidden layer."""
    dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """Share of units left out at random while training."""
    batch_norm: bool = False
    """Whether to normalize each hidden layer over the batch."""
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    """Step size of AdamW."""
    weight_decay: Annotated[float, Ge(0)] = 1e-4
    """Decoupled weight decay."""
    batch_size: Annotated[int, Gt(0)] = 128
    """Rows in a step."""
    max_epochs: Annotated[int, Gt(0)] = 100
    """Most passes over the training rows."""
    patience: Annotated[int, Gt(0)] | None = 10
    """Epochs without a better validation loss before training stops; null never stops early."""
    valid_fraction: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    """Share of training rows held out to stop on, where the split has no validation part."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train; `auto` takes an accelerator if there is one."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of weights, shuffling and dropout."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("torch", "pytorch_lightning")

    def fit(self, train: Features, valid: Features | None) -> TorchModel:
        """Fit by gradient descent.

        Raises DataError where features are missing or not finite, or too few rows are at hand, and ConfigError for a device
        that is not there.
        """
        from .loop import fit_network
        from .rows import Rows

        train, valid = train.weighing(), valid.weighing() if valid else None
        assert train.target is not None
        _require_device(self.device)
        require_finite(self.name, train)
        network = Network(
            inputs=len(train.features),
            outputs=len(train.target.classes) or 1,
            hidden=self.hidden,
            activation=self.activation,
            dropout=self.dropout,
            batch_norm=self.batch_norm,
        )
        center, scale = standard_of(train)
        whole = Rows.of(train, center, scale)
        if valid is not None:
            require_finite(self.name, valid)
        learn, stop = whole, Rows.of(valid, center, scale) if valid is not None else None
        if stop is None and self.patience:
            learn, stop = whole.cut(self.valid_fraction, self.seed)
        module, steps = fit_network(network, learn, stop, self._training(), checkpoint_folder())
        return TorchModel(module, network, train.names, center, scale, steps)

    def update(self, model: TorchModel, batch: Features) -> TorchModel:
        """Return another model after one epoch over `batch` from the weights of the given one, which stays as it was.

        batch: labeled, of the model's own features; weights count relative to each other
        Raises DataError for other features, classes that the model never saw, gaps, and a network of another shape.
        """
        from .loop import fit_network
        from .rows import Rows

        self._require_fitting(model, batch)
        batch = batch.weighing()
        _require_device(self.device)
        require_finite(self.name, batch)
        rows = Rows.of(batch, model.center, model.scale)
        once = replace(self._training(), max_epochs=1, patience=None)
        module, steps = fit_network(model.network, rows, None, once, None, (model.module.state_dict(), model.steps))
        return replace(model, module=module, steps=steps)

    def _require_fitting(self, model: TorchModel, batch: Features) -> None:
        truth_of(self.name, batch)
        if not isinstance(model, TorchModel) or model.network.hidden != self.hidden:
            made = f"network of {model.network.hidden}" if isinstance(model, TorchModel) else type(model).__name__
            raise DataError(
                f"trainer 'mlp' of {self.hidden} hidden units goes on from its own models, and this is a {made}",
                hint="update with the trainer that made the model",
            )
        classifies = batch.target is not None and batch.target.task != "regression"
        require_like(batch, model.feature_names, range(model.network.outputs if classifies else 0))

    def _training(self) -> Training:
        from .loop import Training

        return Training(
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            max_epochs=self.max_epochs,
            patience=self.patience,
            device=self.device,
            seed=self.seed,
        )


def _require_device(device: str) -> None:
    import torch

    absent = {"cuda": not torch.cuda.is_available(), "mps": not torch.backends.mps.is_available()}
    if absent.get(device, False):
        problem = Problem("trainer.device", f"PyTorch finds no {device} here; auto takes what there is")
        raise ConfigError("bad config for trainer 'mlp'", [problem])
