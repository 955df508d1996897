"""The network for pictures that the benchmark of models has as a project's plugin."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hookline import Feature, Features, Target

PLUGIN = Path(__file__).parents[3] / "benchmarks" / "quality" / "pictures.py"


def digits() -> Features:
    bunch: Any = load_digits()
    names = [f"p{place}" for place in range(64)]
    features = tuple(Feature(name, "float32", (name,), name) for name in names)
    X = (bunch.data / 16).astype(np.float32)
    return Features(X, features, y=bunch.target, target=Target("digit", "multiclass", tuple(range(10))))


def trainer(**options: Any) -> Any:
    return runpy.run_path(str(PLUGIN))["ConvolutionalTrainer"](**options)


def test_a_few_passes_over_small_pictures_tell_digits_apart() -> None:
    every = digits()
    y: Any = every.y
    learn, judge = (
        Features(every.X[rows], every.features, y=y[rows], target=every.target)
        for rows in (slice(0, 600), slice(600, 900))
    )
    model = trainer(max_epochs=4, batch_size=32).fit(learn, None)
    assert (model.predict(judge).values == y[600:900]).mean() > 0.9


def test_columns_that_are_no_square_picture_are_refused() -> None:
    every = digits()
    with pytest.raises(ValueError, match=r"the features are not p0, p1, \.\.\. of a square picture"):
        trainer().fit(Features(every.X[:, :60], every.features[:60], y=every.y, target=every.target), None)
