"""What all trainers of networks have in common: how Lightning is to train, and which rows training stops on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from hookline import Features, Trainer, checkpoint_folder
from hookline.data.learnable import require_finite, truth_of
from hookline.errors import ConfigError, Problem

if TYPE_CHECKING:
    from ..rows import Rows
    from ..training.lightning import Given
    from ..training.options import Steps, Training


class LightningFit(Trainer):
    """How Lightning trains; fields are called as its own Trainer has them."""

    extra = "torch"
    batch_size: Annotated[int, Gt(0)] = 128
    """Rows in a step, those of all devices together."""
    max_epochs: Annotated[int, Gt(0)] = 100
    """Most passes over the training rows."""
    patience: Annotated[int, Gt(0)] | None = 10
    """Epochs without a better validation loss before training stops; null never stops early."""
    valid_fraction: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    """Share of training rows held out to stop on, where the split has no validation part."""
    gradient_clip_val: Annotated[float, Gt(0)] | None = None
    """Largest norm of a step's gradient; null leaves it as it is."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    """Bits of a number in training; mixed precision keeps weights in 32. Answers are worked out in 32."""
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto"
    """Where to train; `auto` takes a GPU if there is one."""
    devices: Annotated[int, Gt(0)] | Literal["auto"] = 1
    """GPUs, or processes on a CPU, that train together; `auto` takes all GPUs."""
    strategy: Literal["auto", "ddp_spawn", "ddp_fork", "ray"] = "auto"
    """How several devices train together: in processes that are spawned (`auto` too) or forked, or in workers of Ray."""
    num_cpus: Annotated[int, Gt(0)] = 1
    """With `ray`: cores that each worker leases, and threads that it computes with."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of weights, shuffling and dropout."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("torch", "pytorch_lightning")

    def needs(self) -> Mapping[str, str]:
        """Return what `strategy=ray` needs beside."""
        return dict.fromkeys(("ray", "pandas", "pyarrow", "requests"), "ray-train") if self.strategy == "ray" else {}

    def varies(self) -> str | None:
        """Say why one seed may give several models: on a CPU and with CUDA, PyTorch is held to what gives the same."""
        if self.accelerator in ("cpu", "cuda"):
            return None
        import torch

        by_cuda = torch.cuda.is_available() and self.accelerator != "mps"
        if by_cuda or not torch.backends.mps.is_available():
            return None
        return "trains on mps, where PyTorch promises no order in which numbers are added up"

    def _given(
        self, train: Features, valid: Features | None, center: float, scale: float, *, stops: bool = True
    ) -> Given:
        """Return the rows to learn from and, if it `stops` early, to stop on.

        Raises DataError for gaps, and where there are too few rows.
        """
        from ..rows import Rows
        from ..training.lightning import Given

        truth_of(self.name, train)
        for features in (train, valid):
            if features is not None:
                require_finite(self.name, features)
        learn = Rows.of(self.name, train, center, scale)
        stop: Rows | None = None if valid is None else Rows.of(self.name, valid, center, scale)
        if stop is None and stops and self.patience:
            learn, stop = learn.cut(self.valid_fraction, self.seed)
        return Given(learn, stop, checkpoint_folder())

    def _training(self, **other: Any) -> Training:
        """Return the options of Lightning's trainer, some of them otherwise."""
        from ..training.options import Training

        names = Training.__dataclass_fields__.keys() & self.__dataclass_fields__.keys()
        said: dict[str, Any] = {"trainer": self.name} | {name: getattr(self, name) for name in names}
        return Training(**said | other)


class StepwiseFit(LightningFit):
    """How AdamW takes its steps."""

    learning_rate: Annotated[float, Gt(0)] = 1e-3
    """Step size of AdamW."""
    weight_decay: Annotated[float, Ge(0)] = 1e-4
    """Decoupled weight decay."""
    schedule: Literal["constant", "linear", "cosine", "plateau"] = "constant"
    """How the step size falls: not, to 0 at `max_epochs`, or to a half after each 3 epochs without a better validation loss."""
    warmup: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """Share of all steps in which the step size rises to what it is, but with `plateau`."""

    def _steps(self, **other: Any) -> Steps:
        """Return the options of AdamW, some of them otherwise."""
        from ..training.options import Steps

        given = {name: getattr(self, name) for name in ("learning_rate", "weight_decay", "schedule", "warmup")}
        return Steps(**given | other)

    def _require_schedule(self, given: Given) -> None:
        """Raise ConfigError where a schedule needs validation rows, and there are none."""
        if self.schedule == "plateau" and given.valid is None:
            told = "plateau goes by validation rows, and there are none: set trainer.patience or split.valid"
            raise ConfigError(f"bad config for trainer '{self.name}'", [Problem("trainer.schedule", told)])
