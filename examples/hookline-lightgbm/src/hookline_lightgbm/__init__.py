"""LightGBM: gradient-boosted trees, quick on large tables, at ease with missing values."""

from __future__ import annotations

from hookline import Trainer, hookimpl

from .trainer import GbmTrainer

__all__ = ["GbmTrainer"]


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    """Return the trainer."""
    return [GbmTrainer]


@hookimpl
def register_configs() -> list[str]:
    """Return the package that holds `experiment/lightgbm.yaml`."""
    return ["hookline_lightgbm.conf"]
