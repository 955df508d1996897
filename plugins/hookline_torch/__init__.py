"""PyTorch: neural networks, ready ones and a project's own, trained by Lightning."""

from __future__ import annotations

from hookline import Trainer, hookimpl

from .trainers.ft_transformer import FtTransformerTrainer
from .trainers.mlp import MlpTrainer
from .trainers.own import LightningTrainer, TorchTrainer

__all__ = ["FtTransformerTrainer", "LightningTrainer", "MlpTrainer", "TorchTrainer"]


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    """Return the ready trainers."""
    return [MlpTrainer, FtTransformerTrainer]
