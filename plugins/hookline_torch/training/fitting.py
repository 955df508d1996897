"""Has Lightning train a module on rows, from a checkpoint where there is one, and returns it at its best."""

from __future__ import annotations

import pickle
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch.utils.data import DataLoader

from hookline.errors import ConfigError, DataError, Problem

from ..model import Learned
from ..rows import Rows
from .batches import Batches, in_order
from .callbacks import KeepBest, Measured, ReportLoss, Seeding, SendHome, steps_of
from .loop import Loop
from .options import Training
from .quiet import Quieting, quiet

CHECKPOINT = "last"


@dataclass(frozen=True)
class Given:
    """What there is to learn from, and where an earlier try may have left a checkpoint, from which training goes on."""

    train: Rows
    valid: Rows | None
    folder: Path | None


def train_module(module: pl.LightningModule, given: Given, training: Training) -> Learned:
    """Train a module in place, to the weights of its best epoch, on the CPU; return what AdamW has learned of its steps.

    Raises DataError where weights are no longer finite, which a smaller learning rate mends, and ConfigError for a device
    that is not there.
    """
    require_device(training)
    with quiet(), tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        devices = _devices(training)
        watching = _Watching.of(training, given, Path(scratch) / "home.pt", devices)
        trainer = _trainer(training, devices, watching.callbacks(training), given)
        _fit(trainer, module, _loaders(module, given, training, devices), given.folder, training)
        learned = watching.home.receive() if watching.home is not None else steps_of(trainer)
        best = watching.best
        if best is not None and best.weights:
            module.load_state_dict(best.weights)
            learned = best.steps
        module.trainer = None
        module.cpu().eval()
    # What training changes: a module may hold infinities of its own, as masks do.
    running = [value for name, value in module.named_buffers() if name.endswith(("running_mean", "running_var"))]
    if not all(torch.isfinite(value).all() for value in (*module.parameters(), *running)):
        raise DataError(
            f"trainer '{training.trainer}' did not converge: its weights are no longer finite",
            hint="lower trainer.learning_rate" if isinstance(module, Loop) else "lower the module's learning rate",
        )
    return learned


@dataclass(frozen=True)
class _Watching:
    """The callbacks that know more than Lightning brings back."""

    best: KeepBest | None
    told: ReportLoss | None
    home: SendHome | None

    @classmethod
    def of(cls, training: Training, given: Given, file: Path, devices: int) -> _Watching:
        best = KeepBest(training) if given.valid is not None else None
        told = ReportLoss(training) if given.valid is not None else None
        return cls(best, told, SendHome(file, best, told) if devices > 1 else None)

    def callbacks(self, training: Training) -> list[Callback]:
        """Return them in the order in which they are to be called."""
        measured = Measured(training) if self.best is not None else None
        ordered = (Quieting(), Seeding(training.seed), measured, self.best, self.told, self.home)
        return [one for one in ordered if one is not None]


def _loaders(module: pl.LightningModule, given: Given, training: Training, devices: int) -> list[Any]:
    """Return what yields batches to learn from, and those to measure, which every process sees whole."""
    size = len(given.train)
    shuffled = Batches(size, min(training.batch_size, size), training.seed, module, devices)
    if isinstance(module, Loop):
        module.batches = shuffled
    loaders: list[Any] = [DataLoader(given.train, sampler=shuffled, batch_size=None)]
    if given.valid is not None:
        loaders.append(DataLoader(given.valid, sampler=in_order(len(given.valid)), batch_size=None))
    return loaders


def require_device(training: Training) -> None:
    """Raise ConfigError for an accelerator that PyTorch does not find, or a precision that it has not."""
    absent = {"cuda": not torch.cuda.is_available(), "mps": not torch.backends.mps.is_available()}
    absent["gpu"] = absent["cuda"] and absent["mps"]
    problems = []
    if absent.get(training.accelerator, False):
        told = f"PyTorch finds no {training.accelerator} here; auto takes what there is"
        problems.append(Problem("trainer.accelerator", told))
    if training.precision == "16-mixed" and _on_cpu(training):
        problems.append(Problem("trainer.precision", "16-mixed needs a GPU; bf16-mixed runs on a CPU too"))
    if problems:
        raise ConfigError(f"bad config for trainer '{training.trainer}'", problems)


def _on_cpu(training: Training) -> bool:
    if training.accelerator == "auto":
        return not torch.cuda.is_available() and not torch.backends.mps.is_available()
    return training.accelerator == "cpu"


def _devices(training: Training) -> int:
    """Return how many processes train, each on a device of its own; on a CPU `auto` is one, as with Lightning."""
    if training.devices != "auto":
        return training.devices
    return 1 if _on_cpu(training) else max(1, torch.cuda.device_count())


def _trainer(training: Training, devices: int, callbacks: list[Callback], given: Given) -> pl.Trainer:
    if given.valid is not None and training.patience:
        callbacks.append(EarlyStopping(training.monitor, mode=training.mode, patience=training.patience))
    if given.folder is not None:
        callbacks.append(ModelCheckpoint(given.folder, filename=CHECKPOINT, save_top_k=1, enable_version_counter=False))
    return pl.Trainer(
        max_epochs=training.max_epochs,
        accelerator=training.accelerator,
        devices=devices,
        # Lightning's own choice would start the command that is running here anew in every process.
        strategy="ddp_spawn" if training.strategy == "auto" and devices > 1 else training.strategy,
        precision=training.precision,
        gradient_clip_val=training.gradient_clip_val,
        deterministic=not _on_cpu(training),
        use_distributed_sampler=False,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=given.folder is not None,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=given.folder,
    )


def _fit(
    trainer: pl.Trainer, module: pl.LightningModule, loaders: list[Any], folder: Path | None, training: Training
) -> None:
    checkpoint = folder / f"{CHECKPOINT}.ckpt" if folder is not None else None
    resume = checkpoint if checkpoint is not None and checkpoint.exists() else None
    try:
        # Tensors and numbers only: a checkpoint is read without running code, like every other file of a run.
        trainer.fit(module, *loaders, ckpt_path=resume, weights_only=True)
    except SystemExit:
        # Lightning answers Ctrl-C by leaving with code 1, and leaves the signal switched off.
        raise KeyboardInterrupt from None
    except pickle.UnpicklingError as error:
        raise DataError(
            f"trainer '{training.trainer}' cannot go on from {checkpoint}: it holds more than tensors, numbers and texts",
            hint="keep nothing else in the module's state and hyperparameters, and remove that file",
        ) from error
