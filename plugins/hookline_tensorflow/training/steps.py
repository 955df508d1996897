"""The optimizer of a model that brings none: AdamW, and how its steps grow and shrink."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ..runtime import keras

Schedule: TypeAlias = Literal["constant", "linear", "cosine", "plateau"]


@dataclass(frozen=True)
class Steps:
    """What AdamW goes by, step by step."""

    learning_rate: float
    weight_decay: float
    schedule: Schedule
    warmup: float
    """Share of all steps in which the step size rises from 0."""
    gradient_clip_val: float | None

    def optimizer(self, total: int) -> Any:
        """Return a fresh optimizer; total: steps of the whole training."""
        rate = self.learning_rate
        if self.schedule in ("linear", "cosine") or (self.warmup and self.schedule != "plateau"):
            rate = _schedule(self, total)
        return keras().optimizers.AdamW(
            learning_rate=rate, weight_decay=self.weight_decay, global_clipnorm=self.gradient_clip_val
        )


def _schedule(steps: Steps, total: int) -> Any:
    """Return the learning rate as a function of the step, which nothing but the step decides."""
    ops, warmup = keras().ops, round(steps.warmup * total)
    schedules = keras().optimizers.schedules

    class Falling(schedules.LearningRateSchedule):  # type: ignore[misc, name-defined]  # mypy does not follow Keras
        """Rises for a while, then falls."""

        def __call__(self, step: Any) -> Any:
            now = ops.cast(step, "float32")
            rising = (now + 1.0) / (warmup + 1.0)
            done = ops.clip((now - warmup) / max(1, total - warmup), 0.0, 1.0)
            falling = {"constant": ops.ones_like(now), "linear": 1.0 - done}.get(
                steps.schedule, (1.0 + ops.cos(math.pi * done)) / 2.0
            )
            return steps.learning_rate * ops.where(now < warmup, rising, falling)

        def get_config(self) -> dict[str, Any]:
            return {}

    return Falling()
