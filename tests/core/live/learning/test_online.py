"""A champion that learns rows a micro-batch at a time: in order, each once, and from the last checkpoint on."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.live.learning.challengers.online import Online
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace
from hookline_sklearn.trainers.sgd import SgdClassifierTrainer
from kit.drifting import rows


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were learned at once, each time."""
    counts: list[int] = []
    update = SgdClassifierTrainer.update

    def counting(self: SgdClassifierTrainer, model: Any, batch: hl.Features) -> Any:
        counts.append(batch.X.shape[0])
        return update(self, model, batch)

    monkeypatch.setattr(SgdClassifierTrainer, "update", counting)
    return counts


def test_rows_are_learned_as_by_hand_and_again_only_from_the_last_checkpoint_on(
    drifted: Path, learned: list[int]
) -> None:
    table = rows(250, 7, -1.0)
    online = Online(load_registry(), open_workspace(drifted), 50, 2, None)
    first = online.learn("shop:1", table.head(220))
    assert learned == [50, 50, 50, 50, 20]
    assert online.learn("shop:1", table.head(220)).version == first.version
    assert learned == [50, 50, 50, 50, 20]
    learned.clear()
    whole = online.learn("shop:1", table)
    assert learned == [50]
    assert coefficients(whole.path) == by_hand(table)
    assert (first.version, whole.version, whole.rows) == (2, 3, 250)


def coefficients(path: Path) -> list[list[float]]:
    found: list[list[float]] = hl.load(path).predictor.model.estimator.coef_.tolist()
    return found


def by_hand(table: pl.DataFrame) -> list[list[float]]:
    old = hl.load("shop:1")
    pipeline, trainer = old.predictor, SgdClassifierTrainer()
    model = copy.deepcopy(pipeline.model)
    for part in table.iter_slices(50):
        model = trainer.update(model, pipeline.examples(hl.Dataset(part.lazy(), old.roles, target=old.target)))
    found: list[list[float]] = model.estimator.coef_.tolist()
    return found
