"""Lightning's trainer around one module: what is called beside it, what yields batches, and where it goes on from."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch.utils.data import DataLoader

from hookline.errors import DataError

from ..rows import Rows
from .batches import Batches, in_order
from .callbacks import KeepBest, Measured, ReportLoss, Seeding, SendHome
from .loop import Loop
from .options import Training
from .quiet import Quieting

CHECKPOINT = "last"


@dataclass(frozen=True)
class Given:
    """What there is to learn from, and where an earlier try may have left a checkpoint, from which training goes on."""

    train: Rows
    valid: Rows | None
    folder: Path | None

    @property
    def checkpoint(self) -> Path | None:
        """The file of the checkpoint."""
        return None if self.folder is None else self.folder / f"{CHECKPOINT}.ckpt"


@dataclass(frozen=True)
class Shared:
    """Who trains together, and how Lightning is told."""

    world: int
    """Processes that train, all together."""
    devices: int | Literal["auto"]
    strategy: Any
    plugins: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Watching:
    """The callbacks that know more than Lightning brings back."""

    best: KeepBest | None
    told: ReportLoss | None
    home: SendHome | None

    @classmethod
    def of(cls, training: Training, given: Given, file: Path | None) -> Watching:
        """Return fresh ones; file: what another process is to send home by."""
        best = KeepBest(training) if given.valid is not None else None
        told = ReportLoss(training) if given.valid is not None else None
        return cls(best, told, SendHome(file, best, told) if file is not None else None)

    def callbacks(self, training: Training) -> list[Callback]:
        """Return them in the order in which they are to be called."""
        measured = Measured(training) if self.best is not None else None
        ordered = (Quieting(), Seeding(training.seed), measured, self.best, self.told, self.home)
        return [one for one in ordered if one is not None]


def fit(module: pl.LightningModule, given: Given, training: Training, shared: Shared, watching: Watching) -> pl.Trainer:
    """Train a module in place, from the checkpoint where there is one, and return the trainer that did."""
    trainer = _trainer(training, shared, watching.callbacks(training), given)
    checkpoint = given.checkpoint
    resume = checkpoint if checkpoint is not None and checkpoint.exists() else None
    try:
        # Tensors and numbers only: a checkpoint is read without running code, like every other file of a run.
        trainer.fit(module, *_loaders(module, given, training, shared.world), ckpt_path=resume, weights_only=True)
    except SystemExit:
        # Lightning answers Ctrl-C by leaving with code 1, and leaves the signal switched off.
        raise KeyboardInterrupt from None
    except pickle.UnpicklingError as error:
        raise DataError(
            f"trainer '{training.trainer}' cannot go on from {checkpoint}: it holds more than tensors, numbers and texts",
            hint="keep nothing else in the module's state and hyperparameters, and remove that file",
        ) from error
    return trainer


def _loaders(module: pl.LightningModule, given: Given, training: Training, world: int) -> list[Any]:
    """Return what yields batches to learn from, and those to measure, which every process sees whole."""
    size = len(given.train)
    shuffled = Batches(size, min(training.batch_size, size), training.seed, module, world)
    if isinstance(module, Loop):
        module.batches = shuffled
    loaders: list[Any] = [DataLoader(given.train, sampler=shuffled, batch_size=None)]
    if given.valid is not None:
        loaders.append(DataLoader(given.valid, sampler=in_order(len(given.valid)), batch_size=None))
    return loaders


def _trainer(training: Training, shared: Shared, callbacks: list[Callback], given: Given) -> pl.Trainer:
    if given.valid is not None and training.patience:
        callbacks.append(EarlyStopping(training.monitor, mode=training.mode, patience=training.patience))
    if given.folder is not None:
        callbacks.append(ModelCheckpoint(given.folder, filename=CHECKPOINT, save_top_k=1, enable_version_counter=False))
    return pl.Trainer(
        max_epochs=training.max_epochs,
        accelerator=training.accelerator,
        devices=shared.devices,
        strategy=shared.strategy,
        plugins=list(shared.plugins),
        precision=training.precision,
        gradient_clip_val=training.gradient_clip_val,
        deterministic=not training.on_cpu,
        use_distributed_sampler=False,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=given.folder is not None,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=given.folder,
    )
