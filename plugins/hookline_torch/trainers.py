"""The `mlp` trainer: a multilayer perceptron for tables."""

from __future__ import annotations

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
    (Loshchilov and Hutter 2019, "Decoupled weight decay regularization") on cross-entropy or squared error.
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
        module = fit_network(network, learn, stop, self._training(), checkpoint_folder())
        return TorchModel(module, network, train.names, center, scale)

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
