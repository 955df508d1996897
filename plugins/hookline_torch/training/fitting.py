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
    with quiet(), tempfile.TemporaryDirectory() as scratch:
        devices = _devices(training)
        best = KeepBest(training) if given.valid is not None else None
        told = ReportLoss(training) if given.valid is not None else None
        home = SendHome(Path(scratch) / "home.pt", best, told) if devices > 1 else None
        shuffled = Batches(
            len(given.train), min(training.batch_size, len(given.train)), training.seed, module, devices
        )
        if hasattr(module, "batches"):
            module.batches = shuffled
        loaders: list[Any] = [DataLoader(given.train, sampler=shuffled, batch_size=None)]
        if given.valid is not None:
            loaders.append(DataLoader(given.valid, sampler=in_order(len(given.valid)), batch_size=None))
        callbacks = [one for one in (Seeding(training.seed), best, told, home) if one is not None]
        trainer = _trainer(training, devices, callbacks, given)
        _fit(trainer, module, loaders, given.folder, training)
        learned = home.receive() if home is not None else steps_of(trainer)
        if best is not None and best.weights:
            module.load_state_dict(best.weights)
            learned = best.steps
        module.trainer = None
        module.cpu().eval()
    if not all(torch.isfinite(value).all() for value in module.state_dict().values()):
        raise DataError(
            f"trainer '{training.trainer}' did not converge: its weights are no longer finite",
            hint="lower trainer.learning_rate",
        )
    return learned


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
    if given.valid is not None:
        callbacks.insert(0, Measured(training))
        if training.patience:
            stopping = EarlyStopping(
                training.monitor, mode=training.mode, patience=training.patience, check_finite=True
            )
            callbacks.append(stopping)
    if given.folder is not None:
        callbacks.append(ModelCheckpoint(given.folder, filename=CHECKPOINT, save_top_k=1, enable_version_counter=False))
    if devices > 1:
        callbacks.insert(0, Quieting())
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
