"""The `mlp` trainer: a multilayer perceptron for tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from annotated_types import Ge, Gt, Interval

from hookline import Features, Trainer, checkpoint_folder
from hookline.errors import ConfigError, DataError, Problem

from .model import TorchModel
from .network import Network

if TYPE_CHECKING:
    import numpy as np

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
        _require_finite(train)
        network = Network(
            inputs=len(train.features),
            outputs=len(train.target.classes) or 1,
            hidden=self.hidden,
            activation=self.activation,
            dropout=self.dropout,
            batch_norm=self.batch_norm,
        )
        center, scale = _standard(train)
        whole = Rows.of(train, center, scale)
        if valid is not None:
            _require_finite(valid)
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
        _require_finite(batch)
        rows = Rows.of(batch, model.center, model.scale)
        once = replace(self._training(), max_epochs=1, patience=None)
        module, steps = fit_network(model.network, rows, None, once, None, (model.module.state_dict(), model.steps))
        return replace(model, module=module, steps=steps)

    def _require_fitting(self, model: TorchModel, batch: Features) -> None:
        if batch.y is None:
            raise DataError("trainer 'mlp' learns from labeled rows only", hint="join labels first")
        if not isinstance(model, TorchModel) or model.network.hidden != self.hidden:
            made = f"network of {model.network.hidden}" if isinstance(model, TorchModel) else type(model).__name__
            raise DataError(
                f"trainer 'mlp' of {self.hidden} hidden units goes on from its own models, and this is a {made}",
                hint="update with the trainer that made the model",
            )
        if batch.names != model.feature_names:
            strange = [name for name in batch.names if name not in model.feature_names]
            what = (
                f"other features, such as {', '.join(strange[:3])}" if strange else "fewer features, or another order"
            )
            raise DataError(
                f"the batch has {what}, and the network goes by those that it was fitted on",
                hint="make the batch with the model's own pipeline: `pipeline.examples(rows)`",
            )
        _require_known_classes(model, batch)

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


def _require_known_classes(model: TorchModel, batch: Features) -> None:
    if batch.target is None or batch.target.task == "regression":
        return
    unknown = sorted({int(code) for code in cast("Any", batch.y) if code >= model.network.outputs})
    if unknown:
        labels = batch.target.classes
        named = ", ".join(str(labels[code]) if code < len(labels) else str(code) for code in unknown[:5])
        raise DataError(f"the batch has classes that the model never saw: {named}", hint="fit a new model on all rows")


def _require_device(device: str) -> None:
    import torch

    absent = {"cuda": not torch.cuda.is_available(), "mps": not torch.backends.mps.is_available()}
    if absent.get(device, False):
        problem = Problem("trainer.device", f"PyTorch finds no {device} here; auto takes what there is")
        raise ConfigError("bad config for trainer 'mlp'", [problem])


def _standard(train: Features) -> tuple[float, float]:
    """Return weighted mean and standard deviation of numbers to predict; labels stay as they are."""
    import numpy as np

    if train.target is None or train.target.task != "regression":
        return 0.0, 1.0
    y: Any = train.y
    weight = train.sample_weight
    if weight is None or not weight.any():
        return float(np.mean(y)), float(np.std(y)) or 1.0
    center = float(np.average(y, weights=weight))
    return center, float(np.sqrt(np.average((y - center) ** 2, weights=weight))) or 1.0


def _require_finite(features: Features) -> None:
    import numpy as np

    dense, X = isinstance(features.X, np.ndarray), cast("Any", features.X)
    values: np.ndarray = X if dense else X.data
    if np.isfinite(values.sum(dtype=np.float64)) or np.isfinite(values).all():
        return
    gaps = ~np.isfinite(values)
    columns = np.flatnonzero(gaps.any(axis=0)) if dense else np.unique(X.indices[gaps])
    bad = [features.names[column] for column in columns]
    raise DataError(
        f"trainer 'mlp' takes no missing values, and {', '.join(bad[:5])} have some",
        ailment="missing_values",
    )
