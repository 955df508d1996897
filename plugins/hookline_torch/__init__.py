"""PyTorch: neural networks, trained by Lightning."""

from __future__ import annotations

from hookline import Trainer, hookimpl

from .trainers import MlpTrainer

__all__ = ["MlpTrainer"]


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    """Return the trainer."""
    return [MlpTrainer]
