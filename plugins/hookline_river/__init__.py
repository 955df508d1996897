"""River: models that learn row by row, and drift of a stream of labels, found as the labels come."""

from __future__ import annotations

from hookline import Monitor, Trainer, hookimpl

from .monitors import ConceptDriftMonitor
from .trainers import (
    AdaptiveRandomForestTrainer,
    HoeffdingTreeTrainer,
    RiverLogisticTrainer,
    RiverRegressionTrainer,
)

__all__ = [
    "AdaptiveRandomForestTrainer",
    "ConceptDriftMonitor",
    "HoeffdingTreeTrainer",
    "RiverLogisticTrainer",
    "RiverRegressionTrainer",
]


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    """Return the trainers."""
    return [RiverLogisticTrainer, RiverRegressionTrainer, HoeffdingTreeTrainer, AdaptiveRandomForestTrainer]


@hookimpl
def register_monitors() -> list[type[Monitor]]:
    """Return the monitor."""
    return [ConceptDriftMonitor]
