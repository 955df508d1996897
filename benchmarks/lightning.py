"""One LightningModule trained by a run of hookline and by Lightning alone, on the same rows in the same batches."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset
from wide import BATCH, WIDTH, compare

from hookline import Features
from hookline.kinds.fitting import checkpoints_in
from hookline_torch import LightningTrainer


class Wide(pl.LightningModule):  # type: ignore[misc]  # mypy does not follow Lightning
    """Two hidden layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(WIDTH, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.layers(X)
        return found

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        X, y = batch
        return nn.functional.cross_entropy(self(X), y)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        X, y = batch
        self.log("valid_loss", nn.functional.cross_entropy(self(X), y))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-3)


class WideTrainer(LightningTrainer):
    """The same module."""

    name = "wide"

    def module(self, train: Features) -> pl.LightningModule:
        return Wide()


def alone(train: Features, valid: Features, epochs: int, folder: str) -> None:
    """Train as its own documentation says, batch by batch, with the best weights kept."""
    sets = [TensorDataset(torch.from_numpy(one.X), torch.from_numpy(one.y)) for one in (train, valid)]
    shuffled = BatchSampler(RandomSampler(sets[0]), BATCH, drop_last=False)
    loaders = [
        DataLoader(sets[0], sampler=shuffled, batch_size=None),
        DataLoader(sets[1], batch_size=None, sampler=BatchSampler(range(len(sets[1])), 8_192, drop_last=False)),
    ]
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        num_sanity_val_steps=0, default_root_dir=folder,
        callbacks=[
            pl.callbacks.ModelCheckpoint(folder, monitor="valid_loss"),
            pl.callbacks.EarlyStopping("valid_loss", patience=epochs),
        ],
    )  # fmt: skip
    trainer.fit(Wide(), *loaders)


def through(train: Features, valid: Features, epochs: int, folder: str) -> None:
    """Train as a run does, checkpoints included."""
    with checkpoints_in(Path(folder)):
        WideTrainer(accelerator="cpu", max_epochs=epochs, batch_size=BATCH, patience=epochs).fit(train, valid)


def main() -> None:
    """Print what training takes."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    compare("Lightning", __doc__, alone, through)


if __name__ == "__main__":
    main()
