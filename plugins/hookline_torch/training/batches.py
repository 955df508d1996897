"""Which rows make up each batch, on one device or shared out among several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytorch_lightning as pl
from torch.utils.data import Sampler

VALID_BATCH = 8_192


class Batches(Sampler[list[int]]):
    """Positions of each batch, shuffled anew each epoch in a way that the seed and the epoch alone decide.

    Where several processes train, each gets its share of every batch, so that all of them see what one alone would.
    """

    def __init__(self, size: int, batch_size: int, seed: int, loop: pl.LightningModule, world: int = 1) -> None:
        self.size, self.seed, self.loop = size, seed, loop
        self.starts = list(range(0, size, batch_size))
        if size - self.starts[-1] < 2 * world and len(self.starts) > 1 and batch_size > 1:
            # A last row that is alone joins the batch before: batch normalization has no variance of one row.
            self.starts.pop()

    def __len__(self) -> int:
        return len(self.starts)

    def size_of(self, batch: int) -> int:
        """Return how many rows a batch has, those of all processes together."""
        end = self.starts[batch + 1] if batch + 1 < len(self.starts) else self.size
        return end - self.starts[batch]

    def __iter__(self) -> Iterator[Any]:
        trainer = self.loop.trainer
        # The loop's own epoch: after a checkpoint, Lightning does not tell a sampler where it is before the first batch.
        order = np.random.default_rng([self.seed, trainer.current_epoch]).permutation(self.size)
        for batch, start in enumerate(self.starts):
            yield order[start : start + self.size_of(batch)][trainer.global_rank :: trainer.world_size]


def in_order(size: int) -> Any:
    """Return the positions of rows that are only measured, batch by batch."""
    return [np.arange(start, min(start + VALID_BATCH, size)) for start in range(0, size, VALID_BATCH)]
