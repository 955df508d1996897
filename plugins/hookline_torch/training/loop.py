"""The loop of a plain module: a weighted loss a row, AdamW, and how its steps grow and shrink."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch.nn import functional

from ..model import Learned
from ..rows import Batch
from .batches import Batches
from .options import VALID_LOSS, Steps

LossFunction = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Outputs (n, n_outputs) and truth (n,) -> the loss of each row, (n,)."""


class Loop(pl.LightningModule):  # type: ignore[misc]  # mypy does not follow Lightning
    """Trains a module on rows that weigh."""

    def __init__(self, module: torch.nn.Module, loss: LossFunction, steps: Steps, learned: Learned | None) -> None:
        super().__init__()
        self.module, self.loss, self.steps, self.learned = module, loss, steps, learned
        self.batches: Batches | None = None

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Return the mean loss of a batch."""
        X, y, weight = batch
        losses: torch.Tensor = self.loss(self.module(X), y) * weight
        if self.trainer.world_size == 1 or self.batches is None:
            return losses.mean()
        # Gradients of several processes are averaged, whatever each one's share of the rows is.
        share: float = self.batches.size_of(batch_idx) / self.trainer.world_size
        return losses.sum() / share

    def validation_step(self, batch: Batch) -> None:
        """Note the weighted loss of a batch."""
        X, y, weight = batch
        # The mean weight of all rows is 1, so that the mean of batches by their rows is the weighted mean of all rows.
        loss = (self.loss(self.module(X), y) * weight).mean()
        self.log(VALID_LOSS, loss, on_epoch=True, batch_size=len(y))

    def configure_optimizers(self) -> Any:
        """Return AdamW, with what it had learned of the steps where training goes on from a model, and its schedule."""
        optimizer = torch.optim.AdamW(
            _groups(self.module, self.steps.weight_decay),
            lr=self.steps.learning_rate,
            weight_decay=self.steps.weight_decay,
        )
        if self.learned is not None:
            # Taken as they are, they would be changed in place, and they are those of a model that stays as it was.
            state = {"state": copy.deepcopy(self.learned), "param_groups": optimizer.state_dict()["param_groups"]}
            optimizer.load_state_dict(state)
        schedule = self._schedule(optimizer)
        return optimizer if schedule is None else {"optimizer": optimizer, "lr_scheduler": schedule}

    def _schedule(self, optimizer: torch.optim.Optimizer) -> dict[str, Any] | None:
        from torch.optim import lr_scheduler

        if self.steps.schedule == "plateau":
            halving = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=self.steps.every)
            return {"scheduler": halving, "monitor": VALID_LOSS, "interval": "epoch"}
        if self.steps.schedule == "constant" and not self.steps.warmup:
            return None
        factor = Factor(self.steps, int(self.trainer.estimated_stepping_batches))
        return {"scheduler": lr_scheduler.LambdaLR(optimizer, factor), "interval": "step"}


class Factor:
    """The share of the learning rate at a step, which nothing but the step decides."""

    def __init__(self, steps: Steps, total: int) -> None:
        self.schedule, self.total, self.warmup = steps.schedule, total, round(steps.warmup * total)

    def __call__(self, step: int) -> float:
        """Return it; step: how many came before."""
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        done = (step - self.warmup) / max(1, self.total - self.warmup)
        if self.schedule == "constant":
            return 1.0
        return 1 - done if self.schedule == "linear" else (1 + math.cos(math.pi * min(done, 1.0))) / 2


def squared_or_cross_entropy(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the loss of each row: cross-entropy of classes, or the squared error of one number."""
    if y.is_floating_point():
        return functional.mse_loss(output.reshape(len(y)), y, reduction="none")
    return functional.cross_entropy(output, y, reduction="none")


def _groups(module: torch.nn.Module, weight_decay: float) -> Any:
    """Return the parameters, those that the module names `undecayed` apart."""
    spared = getattr(module, "undecayed", None)
    if spared is None:
        return module.parameters()
    names = set(spared())
    decayed = [value for name, value in module.named_parameters() if name not in names]
    kept = [value for name, value in module.named_parameters() if name in names]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
