"""Trainers for a project's own modules: a plugin derives from one, and registers it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hookline import Features
from hookline.data.learnable import standard_of
from hookline.errors import ConfigError, DataError, Problem

from ..model import OwnModel
from .fields import LightningFit, StepwiseFit

if TYPE_CHECKING:
    import pytorch_lightning as pl
    import torch

    from ..training.lightning import Given


class LightningTrainer(LightningFit):
    """Fits a LightningModule of yours; derive from it, and register what you derive.

    A batch is (X, y): float32 (n, n_features), and int64 class codes or float32 numbers, (n,). Where `takes_weights`, it is
    (X, y, weight), float32 (n,), of mean 1; else other weights than 0 and one more are refused. `forward(X)` returns one
    output a class (n, n_classes), the log-odds of the second of two (n,) or (n, 1), or a number. `validation_step` logs
    what `monitor` names; without such a step nothing stops early. The module is seeded, trained, kept and packaged as
    ready networks are; what it draws by other means than torch it must seed itself.

    >>> from typing import Annotated
    >>> from annotated_types import Gt
    >>> from hookline_torch import LightningTrainer
    >>> class SlimTrainer(LightningTrainer):
    ...     '''One hidden layer.'''
    ...
    ...     name = "slim"
    ...     units: Annotated[int, Gt(0)] = 16
    ...
    ...     def module(self, train):
    ...         from my_networks import Slim  # a LightningModule
    ...
    ...         return Slim(len(train.features), self.units, len(train.target.classes) or 1)
    """

    takes_weights: ClassVar[bool] = False
    """Whether batches have weights."""
    monitor: str = "valid_loss"
    """What the module logs in `validation_step`, and training stops on."""
    mode: Literal["min", "max"] = "min"
    """Whether less of it is better, or more."""
    standardize: bool = True
    """Whether numbers to predict are brought to mean 0 and variance 1 for the module, and its answers back."""

    @abstractmethod
    def module(self, train: Features) -> pl.LightningModule:
        """Return the module with fresh weights; `train` says features, classes and rows."""

    def fit(self, train: Features, valid: Features | None) -> OwnModel:
        """Fit by Lightning's trainer.

        Raises DataError for gaps, weights that the module takes not, and weights of it that end up not finite, and ConfigError
        for a device that is not there, or where `monitor` is not logged.
        """
        from ..training.fitting import train_module
        from ..training.quiet import own_random_state

        train, valid = train.weighing(), valid.weighing() if valid else None
        center, scale = standard_of(train) if self.standardize else (0.0, 1.0)
        with own_random_state(self.seed):
            module = self.module(train)
            looks = _looks_at_validation(self.name, module)
            given = self._given(train, valid if looks else None, center, scale, stops=looks)
            train_module(module, _batched(given, weighs=self.takes_weights), self._training())
        return _model(module, train, center, scale)


class TorchTrainer(StepwiseFit):
    """Fits an nn.Module of yours by a loss of yours with AdamW; derive from it, and register what you derive.

    `module(train)` returns float32 (n, n_features) -> one output a class (n, n_classes), the log-odds of the second of two
    (n, 1), or a number (n, 1). The loss is one a row, and weighed here. The rest is as with ready networks.

    >>> from hookline_torch import TorchTrainer
    >>> class LaplaceTrainer(TorchTrainer):
    ...     '''A line through the median.'''
    ...
    ...     name = "laplace"
    ...     tasks = frozenset({"regression"})
    ...
    ...     def module(self, train):
    ...         from torch import nn
    ...
    ...         return nn.Linear(len(train.features), 1)
    ...
    ...     def loss(self, output, y):
    ...         return (output[:, 0] - y).abs()
    """

    standardize: bool = True
    """Whether numbers to predict are brought to mean 0 and variance 1 for the loss, and answers back."""

    @abstractmethod
    def module(self, train: Features) -> torch.nn.Module:
        """Return the module with fresh weights; `train` says features, classes and rows."""

    def loss(self, output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the loss of each row, (n,): as it is, cross-entropy or the squared error.

        output: what the module says, (n, n_outputs); y: int64 class codes or float32 numbers, (n,)
        """
        from ..training.loop import squared_or_cross_entropy

        return squared_or_cross_entropy(output, y)

    def fit(self, train: Features, valid: Features | None) -> OwnModel:
        """Fit by gradient descent; raises as `LightningTrainer.fit` does."""
        from ..training.fitting import train_module
        from ..training.loop import Loop
        from ..training.quiet import own_random_state

        train, valid = train.weighing(), valid.weighing() if valid else None
        center, scale = standard_of(train) if self.standardize else (0.0, 1.0)
        given = self._given(train, valid, center, scale)
        self._require_schedule(given)
        with own_random_state(self.seed):
            module = self.module(train)
            train_module(Loop(module, self.loss, self._steps(), None), given, self._training())
        return _model(module, train, center, scale)


def _model(module: torch.nn.Module, train: Features, center: float, scale: float) -> OwnModel:
    assert train.target is not None
    model = OwnModel(module, len(train.target.classes) or 1, train.names, center, scale)
    # A module of another shape than the target's is told here, rather than by whoever asks it first.
    model.predict(Features(train.X[:1], train.features))
    return model


def _batched(given: Given, *, weighs: bool) -> Given:
    """Return rows whose batches have weights, or have none; raises DataError where they would be lost."""
    from dataclasses import replace

    parts = {"train": given.train, "valid": given.valid}
    for rows in parts.values():
        if rows is not None and not weighs and (rows.weight[rows.which] != rows.weight[rows.which[:1]]).any():
            raise DataError(
                f"trainer '{rows.trainer}' takes no weights", hint="leave roles.weight out, or say takes_weights = True"
            )
    changed: dict[str, Any] = {name: rows and replace(rows, weighs=weighs) for name, rows in parts.items()}
    return replace(given, **changed)


def _looks_at_validation(trainer: str, module: Any) -> bool:
    """Tell whether a module has a validation step; raises ConfigError where it is no LightningModule."""
    import pytorch_lightning as pl

    if isinstance(module, pl.LightningModule):
        return type(module).validation_step is not pl.LightningModule.validation_step
    other = any(cls.__module__.startswith("lightning.") for cls in type(module).__mro__)
    told = "of the package `lightning`; import pytorch_lightning" if other else "no LightningModule"
    problem = Problem("trainer", f"module() of '{trainer}' returns a {type(module).__name__}, {told}")
    raise ConfigError(f"bad module for trainer '{trainer}'", [problem])
