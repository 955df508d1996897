"""How a module is trained, in Lightning's own words where it has them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Accelerator: TypeAlias = Literal["auto", "cpu", "gpu", "cuda", "mps"]
Strategy: TypeAlias = Literal["auto", "ddp_spawn", "ddp_fork", "ray"]
Precision: TypeAlias = Literal["32-true", "bf16-mixed", "16-mixed"]
Schedule: TypeAlias = Literal["constant", "linear", "cosine", "plateau"]

VALID_LOSS = "valid_loss"
"""What our own loop calls the loss on rows that it does not learn from."""


@dataclass(frozen=True)
class Training:
    """What one call of Lightning's trainer goes by."""

    trainer: str
    """The component's name, for messages."""
    batch_size: int
    max_epochs: int
    patience: int | None
    """Epochs without a better `monitor` before training stops; None never stops early."""
    accelerator: Accelerator
    devices: int | Literal["auto"]
    strategy: Strategy
    precision: Precision
    gradient_clip_val: float | None
    seed: int
    monitor: str = VALID_LOSS
    mode: Literal["min", "max"] = "min"
    num_cpus: int = 1
    """Cores that each worker of Ray leases."""

    @property
    def on_cpu(self) -> bool:
        """Whether training is on a CPU."""
        if self.accelerator == "auto":
            import torch

            return not torch.cuda.is_available() and not torch.backends.mps.is_available()
        return self.accelerator == "cpu"

    def on(self, accelerator: Accelerator) -> Training:
        """Return the same on a certain accelerator."""
        return replace(self, accelerator=accelerator)


@dataclass(frozen=True)
class Steps:
    """What AdamW goes by, step by step."""

    learning_rate: float
    weight_decay: float
    schedule: Schedule = "constant"
    warmup: float = 0.0
    """Share of all steps in which the step size rises from 0."""
    every: int = 3
    """Of `plateau`: epochs without a better loss before the step size is halved."""
