"""Has Lightning train a module on rows, from a checkpoint where there is one, and returns it at its best."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytorch_lightning as pl
import torch

from hookline.errors import ConfigError, DataError, Problem

from ..model import Learned
from .callbacks import steps_of
from .lightning import Given, Shared, Watching, fit
from .loop import Loop
from .options import Training
from .quiet import quiet


def train_module(module: pl.LightningModule, given: Given, training: Training) -> Learned:
    """Train a module in place, to the weights of its best epoch, on the CPU; return what AdamW has learned of its steps.

    Raises DataError where weights are no longer finite, which a smaller learning rate mends, and ConfigError for a device
    that is not there.
    """
    with quiet(), tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        train = _on_ray if training.strategy == "ray" else _here
        learned, watching = train(module, given, training, Path(scratch))
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


def _here(module: pl.LightningModule, given: Given, training: Training, scratch: Path) -> tuple[Learned, Watching]:
    """Train in this process, or in several that it starts; return what AdamW has learned, and what is known beside."""
    require_device(training)
    devices = _devices(training)
    # Lightning's own choice would start the command that is running here anew in every process.
    strategy = "ddp_spawn" if training.strategy == "auto" and devices > 1 else training.strategy
    watching = Watching.of(training, given, scratch / "home.pt" if devices > 1 else None)
    trainer = fit(module, given, training, Shared(devices, devices, strategy), watching)
    return watching.home.receive(module) if watching.home is not None else steps_of(trainer), watching


def _on_ray(module: pl.LightningModule, given: Given, training: Training, scratch: Path) -> tuple[Learned, Watching]:
    """Train in workers of a Ray cluster; the rest is the same."""
    from ..spread.gathering import train_on_ray

    file = scratch / "home.pt"
    watching = Watching.of(training, given, file)
    assert watching.home is not None
    file.write_bytes(train_on_ray(module, given, training, scratch))
    return watching.home.receive(module), watching


def require_device(training: Training) -> None:
    """Raise ConfigError for an accelerator that PyTorch does not find, or a precision that it has not."""
    absent = {"cuda": not torch.cuda.is_available(), "mps": not torch.backends.mps.is_available()}
    absent["gpu"] = absent["cuda"] and absent["mps"]
    problems = []
    if absent.get(training.accelerator, False):
        told = f"PyTorch finds no {training.accelerator} here; auto takes what there is"
        problems.append(Problem("trainer.accelerator", told))
    if training.precision == "16-mixed" and training.on_cpu:
        problems.append(Problem("trainer.precision", "16-mixed needs a GPU; bf16-mixed runs on a CPU too"))
    if problems:
        raise ConfigError(f"bad config for trainer '{training.trainer}'", problems)


def _devices(training: Training) -> int:
    """Return how many processes train, each on a device of its own; on a CPU `auto` is one, as with Lightning."""
    if training.devices != "auto":
        return training.devices
    return 1 if training.on_cpu else max(1, torch.cuda.device_count())
