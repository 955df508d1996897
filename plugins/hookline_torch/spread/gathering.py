"""Has workers of a Ray cluster train one module together, again from the last checkpoint where one of them dies."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
import tempfile
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import cloudpickle
import pytorch_lightning as pl
import ray
import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO
from ray.exceptions import RayActorError
from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
from ray.train.lightning import RayDDPStrategy, RayLightningEnvironment
from ray.train.torch import TorchTrainer
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from hookline.errors import DataError, HooklineError

from ..training.lightning import Given, Shared, Watching, fit
from ..training.options import Training
from ..training.quiet import quiet
from .cluster import joined, placed
from .home import Home
from .sending import Nearby, Unpacking, packed

RETRIES = 3
"""How often training goes on from its last checkpoint after the death of a worker."""


@dataclass(frozen=True)
class Errand:
    """What each worker is sent with."""

    home: Any
    packed: Any
    """Reference to module, rows and options."""
    workers: int
    near: str
    """Name of the folder that a machine keeps rows in which were sent there."""
    folder: str
    path: tuple[str, ...]
    """Working directory and search path of the process that training was begun in."""


def train_on_ray(module: pl.LightningModule, given: Given, training: Training, scratch: Path) -> bytes:
    """Return what the first worker wrote of what was learned, as `SendHome` writes it.

    Raises what a worker raises, UsageError where no cluster can be joined, ConfigError for what it has not, and DataError
    where workers keep dying.
    """
    with joined() as grows:
        training, workers = placed(training, grows=grows)
        home = _at_home(given)
        try:
            # Without the folder, which is one of this machine: checkpoints go by the actor.
            load = ray.put(packed((module, replace(given, folder=None), training)))
            near = f"hookline-{uuid4().hex}"
            errand = Errand(home, load, workers, near, str(Path.cwd()), tuple(sys.path))
            return _learned(errand, training, scratch)
        finally:
            ray.kill(home)


def _at_home(given: Given) -> Any:
    # Ray's own annotations do not know of this strategy.
    here: Any = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor: Any = ray.remote(num_cpus=0, scheduling_strategy=here)(Home)
    return actor.remote(given.checkpoint)


def _learned(errand: Errand, training: Training, scratch: Path) -> bytes:
    for tries in range(1 + RETRIES):
        failed = _once(errand, training, scratch / f"ray-{tries}")
        learned, error = ray.get(errand.home.found.remote())
        if learned is not None:
            return bytes(learned)
        if failed is None or not _died(failed):
            # What a worker raised, or what kept all of them from beginning.
            raise _not_begun(training, failed) if error is None else pickle.loads(error)
        if tries < RETRIES:
            ray.get(errand.home.forget.remote())
            sys.stderr.write("a worker of the Ray cluster died; training goes on from its last checkpoint\n")
    raise DataError(
        f"trainer '{training.trainer}': workers of the Ray cluster died {1 + RETRIES} times in one training",
        hint="see whether they have memory enough; the same command goes on from the last checkpoint",
    )


def _once(errand: Errand, training: Training, storage: Path) -> TrainingFailedError | None:
    """Let the workers try once, and return what Ray says of it where they failed."""
    leased = {"CPU": training.num_cpus} | ({"GPU": 1} if training.accelerator == "gpu" else {})
    trainer = _Interruptible(
        partial(_work, errand),
        scaling_config=ScalingConfig(num_workers=errand.workers, use_gpu="GPU" in leased, resources_per_worker=leased),
        # Ray tries again whatever went wrong; here that is done only where a worker died.
        run_config=RunConfig(name="training", storage_path=str(storage), failure_config=FailureConfig(max_failures=0)),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        return error
    return None


class _Interruptible(TorchTrainer):  # type: ignore[misc]  # mypy does not follow Ray Train
    """Leaves Ctrl-C to Python, as hookline does everywhere; Ray would end what leads the workers, and say that it died."""

    def _register_sigint_handler(self, controller: Any) -> None:
        """Take no signal."""


def _died(failed: TrainingFailedError) -> bool:
    """Tell whether a worker died, whatever the others say of it."""
    told = getattr(failed, "worker_failures", {}).values()
    return any(isinstance(getattr(one, "health_check_failure", one), RayActorError) for one in told)


def _not_begun(training: Training, failed: TrainingFailedError | None) -> DataError:
    told = " ".join(f"{failed}".split())[-300:]
    return DataError(
        f"trainer '{training.trainer}': workers of the Ray cluster did not train: {told}",
        hint="every machine needs this hookline with the same plugins, at the same Python",
    )


def _work(errand: Errand) -> None:
    """Train in one of the workers."""
    near = Path(tempfile.gettempdir()) / errand.near
    # Modules of the project are looked for where the process looks that began the training.
    sys.path += [entry for entry in errand.path if entry not in sys.path]
    with suppress(OSError):
        os.chdir(errand.folder)
    try:
        with quiet(), tempfile.TemporaryDirectory() as scratch:
            _train(errand, near, Path(scratch))
    except BaseException as error:
        if not isinstance(error, HooklineError):
            error.add_note(f"in a worker of the Ray cluster:\n{''.join(traceback.format_tb(error.__traceback__))}")
        ray.get(errand.home.tell.remote(_dumped(error)))
        raise
    finally:
        # Those of the same machine have opened theirs by now, and keep what they have opened.
        shutil.rmtree(near, ignore_errors=True)


def _train(errand: Errand, near: Path, scratch: Path) -> None:
    def part(file: Path, start: int, size: int) -> bytes:
        return bytes(ray.get(errand.home.part.remote(file, start, size)))

    module, given, training = Unpacking(ray.get(errand.packed), Nearby(near, part)).load()
    torch.set_num_threads(training.num_cpus)
    given = replace(given, folder=scratch)
    if (checkpoint := ray.get(errand.home.last.remote())) is not None:
        given.checkpoint.write_bytes(checkpoint)
    file = scratch / "home.pt"
    plugins = (RayLightningEnvironment(), _Kept(errand.home))
    shared = Shared(errand.workers, "auto", RayDDPStrategy(), plugins)
    trainer = fit(module, given, training, shared, Watching.of(training, given, file))
    if trainer.is_global_zero:
        ray.get(errand.home.bring.remote(file.read_bytes()))


class _Kept(TorchCheckpointIO):  # type: ignore[misc]  # mypy does not follow Lightning
    """Sends each checkpoint home."""

    def __init__(self, home: Any) -> None:
        super().__init__()
        self.home = home

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write it here, as Lightning does, and have the home keep it."""
        super().save_checkpoint(checkpoint, path, storage_options)
        ray.get(self.home.keep.remote(Path(path).read_bytes()))


def _dumped(error: BaseException) -> bytes:
    """Return an error for another process, in words where it does not survive the way."""
    try:
        dumped: bytes = cloudpickle.dumps(error)
        pickle.loads(dumped)
    except Exception:  # noqa: BLE001  an error of a project's own may raise anything while it is pickled
        dumped = pickle.dumps(DataError(f"a worker of the Ray cluster: {type(error).__name__}: {error}"))
    return dumped
