"""Trains a network with Lightning, leaving random state, signals and logging of the process as they were."""

from __future__ import annotations

import copy
import logging
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch.nn import functional
from torch.utils.data import DataLoader, Sampler

from hookline import report_step
from hookline.errors import DataError

from .model import Steps
from .network import Network
from .rows import Batch, Rows

VALID_LOSS = "valid_loss"
VALID_BATCH = 8_192


@dataclass(frozen=True)
class Training:
    """How a network is trained."""

    batch_size: int
    learning_rate: float
    weight_decay: float
    max_epochs: int
    patience: int | None
    """Epochs without a better validation loss before training stops; None never stops early."""
    device: str
    seed: int


class Batches(Sampler[list[int]]):
    """Positions of each batch, shuffled anew each epoch in a way that the seed and the epoch alone decide."""

    def __init__(self, size: int, batch_size: int, seed: int, loop: Loop) -> None:
        self.size, self.seed, self.loop = size, seed, loop
        self.starts = list(range(0, size, batch_size))
        if size - self.starts[-1] == 1 and batch_size > 1 and size > 1:
            # A last row that is alone joins the batch before: batch normalization has no variance of one row.
            self.starts.pop()

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[Any]:
        # The loop's own epoch: after a checkpoint, Lightning does not tell a sampler where it is before the first batch.
        order = np.random.default_rng([self.seed, self.loop.current_epoch]).permutation(self.size)
        for start, end in pairwise([*self.starts, self.size]):
            yield order[start:end]


class Loop(pl.LightningModule):  # type: ignore[misc]  # mypy does not follow Lightning
    """Weighted loss, optimizer and random state of each epoch."""

    def __init__(self, module: torch.nn.Sequential, options: Training, steps: Steps | None) -> None:
        super().__init__()
        self.module, self.options, self.steps = module, options, steps

    def on_train_start(self) -> None:
        """Stop at once where a checkpoint comes from training that had stopped early."""
        if any(stopper.wait_count >= stopper.patience for stopper in self.trainer.early_stopping_callbacks):
            self.trainer.should_stop = True

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed dropout by epoch, so that training that was cut off goes on to the same weights."""
        if batch_idx == 0:
            torch.manual_seed(self.options.seed * 1_000_003 + self.current_epoch)

    def training_step(self, batch: Batch) -> torch.Tensor:
        """Return the mean loss of a batch."""
        X, y, weight = batch
        return (self._loss(X, y) * weight).mean()

    def validation_step(self, batch: Batch) -> None:
        """Note the weighted loss of a batch."""
        X, y, weight = batch
        # The mean weight of all rows is 1, so that the mean of batches by their rows is the weighted mean of all rows.
        loss = (self._loss(X, y) * weight).mean()
        self.log(VALID_LOSS, loss, on_epoch=True, batch_size=len(y))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW, with what it had learned of the steps where training goes on from a model."""
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.options.learning_rate, weight_decay=self.options.weight_decay
        )
        if self.steps is not None:
            # Taken as they are, they would be changed in place, and they are those of a model that stays as it was.
            learned = {"state": copy.deepcopy(self.steps), "param_groups": optimizer.state_dict()["param_groups"]}
            optimizer.load_state_dict(learned)
        return optimizer

    def _loss(self, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        output = self.module(X)
        if output.shape[1] == 1:
            return functional.mse_loss(output[:, 0], y, reduction="none")
        return functional.cross_entropy(output, y, reduction="none")


class KeepBest(Callback):  # type: ignore[misc]  # mypy does not follow Lightning
    """Remembers weights and steps at the smallest validation loss; they are part of each checkpoint."""

    def __init__(self) -> None:
        self.loss = float("inf")
        self.weights: dict[str, torch.Tensor] = {}
        self.steps: Steps = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Copy the weights if they are the best so far."""
        assert isinstance(pl_module, Loop)
        loss = float(trainer.callback_metrics[VALID_LOSS])
        if not trainer.sanity_checking and loss < self.loss:
            self.loss = loss
            self.weights = {name: value.detach().cpu().clone() for name, value in pl_module.module.state_dict().items()}
            self.steps = _steps_of(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"loss": self.loss, "weights": self.weights, "steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what a checkpoint kept."""
        self.loss, self.weights, self.steps = state_dict["loss"], state_dict["weights"], state_dict["steps"]


class ReportLoss(Callback):  # type: ignore[misc]  # mypy does not follow Lightning
    """Reports the validation loss of each epoch; after a checkpoint, first those of the epochs before it."""

    def __init__(self) -> None:
        self.losses: dict[int, float] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report what an earlier try had reported."""
        for epoch, loss in sorted(self.losses.items()):
            report_step(epoch, loss, name=VALID_LOSS)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the epoch that is done."""
        epoch = trainer.current_epoch + 1
        if not trainer.sanity_checking and epoch not in self.losses:
            self.losses[epoch] = float(trainer.callback_metrics[VALID_LOSS])
            report_step(epoch, self.losses[epoch], name=VALID_LOSS)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"losses": self.losses}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what a checkpoint kept."""
        self.losses = state_dict["losses"]


def fit_network(
    network: Network,
    train: Rows,
    valid: Rows | None,
    options: Training,
    folder: Path | None,
    start: tuple[Mapping[str, torch.Tensor], Steps] | None = None,
) -> tuple[torch.nn.Sequential, Steps]:
    """Return the trained module, on the CPU, with what AdamW has learned of its steps.

    folder: where an earlier try may have left a checkpoint, from which training goes on
    start: the weights to begin with, as a state dict, and the steps that belong to them; None: fresh ones
    Raises DataError where the loss is not finite, which a smaller learning rate mends, or a batch cannot be normalized.
    """
    if network.batch_norm and min(options.batch_size, len(train)) < 2:
        raise DataError("trainer 'mlp' cannot normalize over batches of one row", hint="set trainer.batch_norm=false")
    with _own_random_state(options.seed), _quiet():
        module = network.build()
        if start is not None:
            module.load_state_dict(start[0])
        best = KeepBest() if valid is not None else None
        trainer = _trainer(options, best, folder)
        loop = Loop(module, options, start[1] if start else None)
        shuffled = Batches(len(train), min(options.batch_size, len(train)), options.seed, loop)
        loaders: list[DataLoader[Batch]] = [DataLoader(train, sampler=shuffled, batch_size=None)]
        if valid is not None:
            loaders.append(DataLoader(valid, sampler=_in_order(len(valid)), batch_size=None))
        _fit(trainer, loop, loaders, folder / "last.ckpt" if folder else None)
        steps = _steps_of(trainer)
        if best is not None and best.weights:
            module.load_state_dict(best.weights)
            steps = best.steps
        module = module.cpu().eval()
    if not all(torch.isfinite(value).all() for value in module.state_dict().values()):
        raise DataError(
            "trainer 'mlp' did not converge: its weights are no longer finite", hint="lower trainer.learning_rate"
        )
    return module, steps


def _steps_of(trainer: pl.Trainer) -> Steps:
    """Return a copy, on the CPU, of what the optimizer has learned of each parameter."""
    state = trainer.optimizers[0].state_dict()["state"]
    return {place: {name: value.detach().cpu().clone() for name, value in of.items()} for place, of in state.items()}


def _trainer(options: Training, best: KeepBest | None, folder: Path | None) -> pl.Trainer:
    callbacks: list[Callback] = []
    if best is not None:
        callbacks += [best, ReportLoss()]
        if options.patience:
            callbacks.append(EarlyStopping(VALID_LOSS, patience=options.patience, check_finite=True))
    if folder is not None:
        callbacks.append(ModelCheckpoint(folder, filename="last", save_top_k=1, enable_version_counter=False))
    return pl.Trainer(
        max_epochs=options.max_epochs,
        accelerator={"cuda": "gpu"}.get(options.device, options.device),
        devices=1,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=folder is not None,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
    )


def _fit(trainer: pl.Trainer, loop: Loop, loaders: list[Any], checkpoint: Path | None) -> None:
    resume = checkpoint if checkpoint is not None and checkpoint.exists() else None
    try:
        # Tensors and numbers only: a checkpoint is read without running code, like every other file of a run.
        trainer.fit(loop, *loaders, ckpt_path=resume, weights_only=True)
    except SystemExit:
        # Lightning answers Ctrl-C by leaving with code 1, and leaves the signal switched off.
        raise KeyboardInterrupt from None


def _in_order(size: int) -> Any:
    return [np.arange(start, min(start + VALID_BATCH, size)) for start in range(0, size, VALID_BATCH)]


@contextmanager
def _own_random_state(seed: int) -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's banners away, and give back the signal handlers and log levels it changes."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch")]
    levels = [logger.level for logger in loggers]
    held = signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Advice on data-loading workers, batch sizes and log steps is meant for code that a user wrote.
            warnings.filterwarnings("ignore", module=r"pytorch_lightning|lightning_fabric|torch")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if held is not None:
            with suppress(ValueError):
                signal.signal(signal.SIGINT, held)
