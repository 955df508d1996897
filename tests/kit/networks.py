"""Rows that networks learn, training that is cut off, and modules as a project writes them with their trainers."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.nn import functional

from hookline import Feature, Features, Target
from hookline_torch import LightningTrainer, TorchTrainer
from hookline_torch.training.callbacks import Seeding


class CutOff(Exception):
    """A stand-in for whatever ends a process in the middle of an epoch."""


def features(X: Any, y: np.ndarray, weight: np.ndarray | None = None) -> Features:
    """Return a matrix with its truth: codes of classes, or numbers where they are floats."""
    names = tuple(Feature(f"x{i}", "float32", (f"x{i}",), f"x{i}") for i in range(X.shape[1]))
    numbers = np.issubdtype(y.dtype, np.floating)
    classes = () if numbers else tuple(range(int(y.max()) + 1))
    task = "regression" if numbers else "binary" if len(classes) == 2 else "multiclass"
    return Features(X, names, y=y, sample_weight=weight, target=Target("y", task, classes))


def labeled(rows: int = 300, classes: int = 2, seed: int = 0) -> Features:
    """Return rows of classes that can be told apart."""
    X, y = make_classification(
        rows, 6, n_informative=5, n_redundant=0, n_classes=classes, class_sep=2.5, random_state=seed
    )
    return features(X.astype(np.float32), y.astype(np.int64))


def cut_off_in_epoch(epoch: int, batch: int, patch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Have something done before a batch is learned from."""
    plain = Seeding.on_train_batch_start

    def start(self: Seeding, trainer: Any, module: Any, rows: Any, batch_idx: int) -> None:
        plain(self, trainer, module, rows, batch_idx)
        if (trainer.current_epoch, batch_idx) == (epoch, batch):
            act()

    patch.setattr(Seeding, "on_train_batch_start", start)


def raise_cut_off() -> None:
    """End training as a kill would."""
    raise CutOff


class Slim(pl.LightningModule):  # type: ignore[misc]  # mypy does not follow Lightning
    """One hidden layer with dropout, as anybody would write it who never heard of hookline."""

    def __init__(self, features: int, units: int, outputs: int, logged: str = "valid_loss") -> None:
        super().__init__()
        self.save_hyperparameters()
        self.logged = logged
        self.layers = nn.Sequential(nn.Linear(features, units), nn.ReLU(), nn.Dropout(0.1), nn.Linear(units, outputs))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layers(X)
        return found

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        return self.cost(batch)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log(self.logged, self.cost(batch), on_epoch=True, prog_bar=True)

    def cost(self, batch: Any) -> torch.Tensor:
        X, y = batch
        if y.is_floating_point():
            return functional.mse_loss(self(X)[:, 0], y)
        return functional.cross_entropy(self(X), y)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)
        return {
            "optimizer": optimizer,
            "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.9),
        }


class SlimTrainer(LightningTrainer):
    """Slim, by Lightning."""

    name = "slim"
    units: int = 16
    """Units of the hidden layer."""
    logged: str = "valid_loss"
    """What the module calls its loss."""

    def module(self, train: Features) -> pl.LightningModule:
        assert train.target is not None
        return Slim(len(train.features), self.units, len(train.target.classes) or 1, self.logged)


class OddsTrainer(TorchTrainer):
    """A line to the log-odds of the second class, which a loss of its own is made of."""

    name = "odds"
    tasks = frozenset({"binary"})
    learning_rate: float = 0.05
    """Step size of AdamW."""

    def module(self, train: Features) -> nn.Module:
        return nn.Linear(len(train.features), 1)

    def loss(self, output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(output[:, 0], y.float(), reduction="none")


class Traced(Slim):
    """Slim that writes down where each worker trained, and that dies in the last of them while a file is there."""

    def __init__(self, features: int, units: int, outputs: int, trace: str) -> None:
        super().__init__(features, units, outputs)
        self.trace = Path(trace)

    def on_train_start(self) -> None:
        import ray

        if ray.is_initialized():
            place = [ray.get_runtime_context().get_node_id(), (self.trace / "unseen" / "X.npy").exists()]
            (self.trace / f"rank-{self.global_rank}").write_text(json.dumps(place))

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        deadly = self.trace / "deadly"
        if self.global_rank == 1 and self.current_epoch == 2 and deadly.exists():
            deadly.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


class TracedTrainer(LightningTrainer):
    """Traced, by Lightning."""

    name = "traced"
    trace: str
    """Folder of what it writes down."""

    def module(self, train: Features) -> pl.LightningModule:
        return Traced(len(train.features), 16, 2, self.trace)
