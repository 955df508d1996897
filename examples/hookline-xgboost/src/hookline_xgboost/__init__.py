"""XGBoost: gradient-boosted trees, grown level by level, at ease with missing values."""

from __future__ import annotations

from hookline import Trainer, hookimpl

from .trainer import BoostTrainer

__all__ = ["BoostTrainer"]


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    """Return the trainer."""
    return [BoostTrainer]


@hookimpl
def register_configs() -> list[str]:
    """Return the package that holds `experiment/xgboost.yaml`."""
    return ["hookline_xgboost.conf"]
