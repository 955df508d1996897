"""A project's plugin: a small convolutional network for columns that are the pixels of a square picture.

HOOKLINE_PLUGINS=pictures PYTHONPATH=benchmarks/quality hookline run digits.csv target=digit trainer=convolutional
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Gt, Interval

from hookline import Features, Trainer, hookimpl
from hookline_torch import TorchTrainer

if TYPE_CHECKING:
    from torch import nn


class ConvolutionalTrainer(TorchTrainer):
    """Three convolutions, each normalized over the batch, and one dense layer behind dropout: a few seconds on a CPU."""

    name = "convolutional"
    tasks = frozenset({"binary", "multiclass"})
    channels: Annotated[int, Gt(0)] = 16
    """Channels of the first convolution; the others have twice as many."""
    dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.4
    """Share of units left out at random before the dense layer."""
    learning_rate: Annotated[float, Gt(0)] = 3e-3
    """Step size of AdamW."""
    schedule: Literal["constant", "linear", "cosine", "plateau"] = "cosine"
    """How the step size falls."""
    max_epochs: Annotated[int, Gt(0)] = 30
    """Passes over the training rows."""
    batch_size: Annotated[int, Gt(0)] = 64
    """Rows in a step."""
    patience: Annotated[int, Gt(0)] | None = None
    """Epochs without a better validation loss before training stops; null never stops early, and learns from every row."""

    def module(self, train: Features) -> nn.Module:
        """Return the network; raises ValueError where features are not the pixels of a square, p0, p1, ... row by row."""
        from torch import nn

        side = math.isqrt(len(train.features))
        if [name.lstrip("p") for name in train.names] != [str(place) for place in range(side * side)]:
            raise ValueError("the features are not p0, p1, ... of a square picture, row by row")
        wide, half = 2 * self.channels, side // 2

        def convolved(inputs: int, outputs: int) -> list[nn.Module]:
            return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]

        return nn.Sequential(
            nn.Unflatten(1, (1, side, side)),
            *convolved(1, self.channels),
            *convolved(self.channels, wide),
            nn.MaxPool2d(2),
            *convolved(wide, wide),
            nn.Flatten(),
            nn.Dropout(self.dropout),
            nn.Linear(wide * half * half, len(train.target.classes) if train.target else 2),
        )


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    """Offer the trainer."""
    return [ConvolutionalTrainer]
