"""What is done beside the training of any module: seeds, the best weights, steps reported, and results sent home."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from hookline import report_step
from hookline.errors import ConfigError, Problem

from ..model import Learned
from .options import Training


class Seeding(Callback):  # type: ignore[misc]  # mypy does not follow Lightning
    """Seeds each epoch by its number, so that training that was cut off goes on to the same weights."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop at once where a checkpoint comes from training that had stopped early."""
        if any(stopper.wait_count >= stopper.patience for stopper in trainer.early_stopping_callbacks):
            trainer.should_stop = True

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Seed what is drawn in the epoch, in each of several processes by a seed of its own."""
        if batch_idx == 0:
            epoch = self.seed * 1_000_003 + trainer.current_epoch
            torch.manual_seed(epoch * trainer.world_size + trainer.global_rank)


class Measured(Callback):  # type: ignore[misc]  # mypy does not follow Lightning
    """Refuses a module that does not log what is to be watched, at the end of its first look at validation rows."""

    def __init__(self, training: Training) -> None:
        self.training = training

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Raise ConfigError naming what it does log."""
        name = self.training.monitor
        if name in trainer.callback_metrics:
            return
        logged = ", ".join(sorted(trainer.callback_metrics)) or "nothing"
        problem = Problem("trainer.monitor", f"the module logs no '{name}' in its validation_step; it logs {logged}")
        raise ConfigError(f"bad config for trainer '{self.training.trainer}'", [problem])


class KeepBest(Callback):  # type: ignore[misc]  # mypy does not follow Lightning
    """Remembers weights and steps at the best validation; they are part of each checkpoint."""

    def __init__(self, training: Training) -> None:
        self.monitor, self.sign = training.monitor, 1.0 if training.mode == "min" else -1.0
        self.loss = float("inf")
        self.weights: dict[str, torch.Tensor] = {}
        self.steps: Learned = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Copy the weights if they are the best so far."""
        loss = self.sign * float(trainer.callback_metrics[self.monitor])
        if not trainer.sanity_checking and loss < self.loss:
            self.loss = loss
            self.weights = {name: value.detach().cpu().clone() for name, value in pl_module.state_dict().items()}
            self.steps = steps_of(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"loss": self.loss, "weights": self.weights, "steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what a checkpoint kept."""
        self.loss, self.weights, self.steps = state_dict["loss"], state_dict["weights"], state_dict["steps"]


class ReportLoss(Callback):  # type: ignore[misc]  # mypy does not follow Lightning
    """Reports what is watched of each epoch; after a checkpoint, first that of the epochs before it."""

    def __init__(self, training: Training) -> None:
        self.monitor, self.greater = training.monitor, training.mode == "max"
        self.losses: dict[int, float] = {}

    def report(self) -> None:
        """Report the epochs that are known already."""
        for epoch, loss in sorted(self.losses.items()):
            report_step(epoch, loss, name=self.monitor, greater_is_better=self.greater)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report what an earlier try had reported."""
        self.report()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the epoch that is done."""
        epoch = trainer.current_epoch + 1
        if not trainer.sanity_checking and epoch not in self.losses:
            self.losses[epoch] = float(trainer.callback_metrics[self.monitor])
            report_step(epoch, self.losses[epoch], name=self.monitor, greater_is_better=self.greater)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"losses": self.losses}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what a checkpoint kept."""
        self.losses = state_dict["losses"]


class SendHome(Callback):  # type: ignore[misc]  # mypy does not follow Lightning
    """Writes, in the first of several processes, what the one that began the training is to know."""

    def __init__(self, file: Path, best: KeepBest | None, told: ReportLoss | None) -> None:
        self.file, self.best, self.told = file, best, told

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the file."""
        # Lightning makes a folder for the weights that it brings home, and leaves it behind.
        tempfile.tempdir = str(self.file.parent)
        if trainer.is_global_zero:
            kept = {"steps": steps_of(trainer), "best": self.best and self.best.state_dict()}
            weights = {name: value.detach().cpu() for name, value in pl_module.state_dict().items()}
            torch.save(kept | {"told": self.told and self.told.state_dict(), "weights": weights}, self.file)

    def receive(self, module: pl.LightningModule) -> Learned:
        """Read the file where training was started: module and callbacks know what theirs knew. Returns the last steps."""
        kept = torch.load(self.file, weights_only=True)
        module.load_state_dict(kept["weights"])
        if self.best is not None:
            self.best.load_state_dict(kept["best"])
        if self.told is not None:
            self.told.load_state_dict(kept["told"])
            self.told.report()
        steps: Learned = kept["steps"]
        return steps


def steps_of(trainer: pl.Trainer) -> Learned:
    """Return a copy, on the CPU, of what the first optimizer has learned of each parameter; of a foreign one nothing."""
    if len(trainer.optimizers) != 1 or not isinstance(trainer.optimizers[0], torch.optim.AdamW):
        return {}
    state = trainer.optimizers[0].state_dict()["state"]
    return {place: {name: value.detach().cpu().clone() for name, value in of.items()} for place, of in state.items()}
