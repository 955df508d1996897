"""TensorFlow: Keras networks, a ready one and a project's own, and whole pipelines as SavedModels."""

from __future__ import annotations

from hookline import Packager, Trainer, hookimpl

from .packagers import SavedModelPackager
from .trainers.keras_mlp import KerasMlpTrainer
from .trainers.own import KerasTrainer

__all__ = ["KerasMlpTrainer", "KerasTrainer", "SavedModelPackager"]


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    """Return the ready trainer."""
    return [KerasMlpTrainer]


@hookimpl
def register_packagers() -> list[type[Packager]]:
    """Return the packager."""
    return [SavedModelPackager]
