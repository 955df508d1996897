"""What all trainers of Keras models have in common: how to train, and which rows training stops on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from hookline import Features, Trainer, checkpoint_folder
from hookline.data.learnable import require_finite, truth_of
from hookline.errors import ConfigError, Problem

if TYPE_CHECKING:
    from ..training.fitting import Given, Training
    from ..training.steps import Steps


class KerasFit(Trainer):
    """How Keras trains; fields are called as those of the trainers on PyTorch, so that one may take the other's place."""

    extra = "tensorflow"
    batch_size: Annotated[int, Gt(0)] = 128
    """Rows in a step."""
    max_epochs: Annotated[int, Gt(0)] = 100
    """Most passes over the training rows."""
    patience: Annotated[int, Gt(0)] | None = 10
    """Epochs without a better validation loss before training stops; null never stops early."""
    valid_fraction: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    """Share of training rows held out to stop on, where the split has no validation part."""
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    """Step size of AdamW."""
    weight_decay: Annotated[float, Ge(0)] = 1e-4
    """Decoupled weight decay."""
    schedule: Literal["constant", "linear", "cosine", "plateau"] = "constant"
    """How the step size falls: not, to 0 at `max_epochs`, or to a half after each 3 epochs without a better validation loss."""
    warmup: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """Share of all steps in which the step size rises to what it is, but with `plateau`."""
    gradient_clip_val: Annotated[float, Gt(0)] | None = None
    """Largest norm of a step's gradient; null leaves it as it is."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of weights, shuffling and dropout."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("tensorflow", "keras")

    def _given(self, train: Features, valid: Features | None, center: float, scale: float) -> Given:
        """Return the rows to learn from and to stop on.

        Raises DataError for gaps, and where there are too few rows; ConfigError where `plateau` has no rows to go by.
        """
        from hookline.data.matrix.rows import MatrixRows

        from ..training.fitting import Given

        truth_of(self.name, train)
        for features in (train, valid):
            if features is not None:
                require_finite(self.name, features)
        learn = MatrixRows.of(self.name, train, center, scale)
        stop: MatrixRows | None = None if valid is None else MatrixRows.of(self.name, valid, center, scale)
        if stop is None and self.patience:
            learn, stop = learn.cut(self.valid_fraction, self.seed)
        if self.schedule == "plateau" and stop is None:
            told = "plateau goes by validation rows, and there are none: set trainer.patience or split.valid"
            raise ConfigError(f"bad config for trainer '{self.name}'", [Problem("trainer.schedule", told)])
        return Given(learn, stop, checkpoint_folder())

    def _training(self, **other: Any) -> Training:
        from ..training.fitting import Training

        said = {name: getattr(self, name) for name in ("batch_size", "max_epochs", "patience", "seed")}
        return Training(trainer=self.name, halves=self.schedule == "plateau", **said, **other)

    def _steps(self) -> Steps:
        from ..training.steps import Steps

        named = ("learning_rate", "weight_decay", "schedule", "warmup", "gradient_clip_val")
        return Steps(**{name: getattr(self, name) for name in named})
