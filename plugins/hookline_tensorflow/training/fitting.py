"""Has Keras fit a compiled model to rows, from a checkpoint where there is one, and returns it at its best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hookline import report_step
from hookline.data.matrix.rows import MatrixRows
from hookline.errors import ConfigError, DataError, Problem

from ..runtime import keras
from .checkpoint import Progress, restore, save
from .rows import in_order, shuffled

HALVING = 3
"""Of `plateau`: epochs without a better loss before the step size is halved."""


@dataclass(frozen=True)
class Given:
    """What there is to learn from, and where an earlier try may have left a checkpoint, from which training goes on."""

    train: MatrixRows
    valid: MatrixRows | None
    folder: Path | None


@dataclass(frozen=True)
class Training:
    """What one fit goes by."""

    trainer: str
    """The component's name, for messages."""
    batch_size: int
    max_epochs: int
    patience: int | None
    seed: int
    monitor: str = "val_loss"
    mode: Literal["min", "max"] = "min"
    halves: bool = False
    """Whether the step size is halved after each 3 epochs without a better loss."""


def steps_in(rows: int, training: Training) -> int:
    """Return how many steps a whole training takes."""
    return -(-rows // training.batch_size) * training.max_epochs


def fit_module(module: Any, given: Given, training: Training, callbacks: Sequence[Any] = ()) -> None:
    """Train a compiled model in place, to the weights of its best epoch.

    Raises DataError where weights are no longer finite, and ConfigError where what is watched is not measured.
    """
    module.optimizer.build(module.trainable_variables)
    progress = (restore(given.folder, module) if given.folder is not None else None) or Progress()
    for number, value in sorted(progress.told.items()):
        _report(training, number, value)
    if not progress.stopped:
        batches = shuffled(given.train, min(training.batch_size, len(given.train)), training.seed, progress.epoch)
        options: dict[str, Any] = {
            "epochs": training.max_epochs,
            "initial_epoch": progress.epoch,
            "verbose": 0,
            "shuffle": False,
        }
        options |= {"steps_per_epoch": batches.steps, "callbacks": [_watching(training, given, progress), *callbacks]}
        if given.valid is not None:
            measured = in_order(given.valid)
            options |= {"validation_data": measured.data, "validation_steps": measured.steps}
        module.fit(batches.data, **options)
    if progress.kept:
        module.set_weights(progress.kept)
    if not all(np.isfinite(value).all() for value in module.get_weights()):
        raise DataError(
            f"trainer '{training.trainer}' did not converge: its weights are no longer finite",
            hint="lower the learning rate",
        )


def _watching(training: Training, given: Given, progress: Progress) -> Any:
    """Return the callback that keeps the best weights, stops, reports, and writes checkpoints."""
    sign = 1.0 if training.mode == "min" else -1.0

    class Watching(keras().callbacks.Callback):  # type: ignore[misc]  # mypy does not follow Keras
        """Looks at each epoch once it is over."""

        def on_epoch_end(self, number: int, logs: Any = None) -> None:
            progress.epoch = number + 1
            if given.valid is not None:
                self._judge(number + 1, logs or {})
            if given.folder is not None:
                save(given.folder, self.model, progress)
            if number + 1 in progress.told:
                _report(training, number + 1, progress.told[number + 1])

        def _judge(self, number: int, logs: dict[str, float]) -> None:
            value = progress.told[number] = float(_watched(training, logs))
            better = progress.best is None or sign * value < sign * progress.best
            progress.waited = 0 if better else progress.waited + 1
            progress.halved = 0 if better else progress.halved + 1
            if better:
                progress.best, progress.kept = value, self.model.get_weights()
            if training.halves and progress.halved > HALVING:
                progress.halved = 0
                self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / 2
            if training.patience is not None and progress.waited >= training.patience:
                progress.stopped = self.model.stop_training = True

    return Watching()


def _watched(training: Training, logs: dict[str, float]) -> float:
    if training.monitor not in logs:
        problem = Problem("trainer.monitor", f"the model measures no '{training.monitor}'; it has {', '.join(logs)}")
        raise ConfigError(f"bad config for trainer '{training.trainer}'", [problem])
    return logs[training.monitor]


def _report(training: Training, number: int, value: float) -> None:
    report_step(number, value, name=training.monitor, greater_is_better=training.mode == "max")
