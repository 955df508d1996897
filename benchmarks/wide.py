"""The rows that networks are timed on, and the time of a training through hookline beside that of its library alone."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable

import measure
import numpy as np

from hookline import Feature, Features, Target

WIDTH = 40
BATCH = 256
Act = Callable[[Features, Features, int, str], None]
"""Trains: rows to learn from, rows to stop on, epochs, and a folder for checkpoints."""


def table(rows: int, seed: int) -> Features:
    """Return rows of two classes."""
    X = np.random.default_rng(seed).standard_normal((rows, WIDTH)).astype(np.float32)
    named = tuple(Feature(f"x{i}", "float32", (f"x{i}",), f"x{i}") for i in range(WIDTH))
    return Features(X, named, y=(X[:, :5].sum(axis=1) > 0).astype(np.int64), target=Target("y", "binary", (0, 1)))


def compare(library: str, about: str | None, alone: Act, through: Act) -> None:
    """Print the median of pairs, which a busy machine moves less than either time."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--times", type=int, default=5)
    args = parser.parse_args()
    train, valid = table(args.rows, 0), table(args.rows // 10, 1)
    taken: dict[str, list[float]] = {"alone": [], "through": []}
    for _ in range(args.times + 1):
        for name, act in (("alone", alone), ("through", through)):
            with tempfile.TemporaryDirectory() as folder:
                start = time.process_time()
                act(train, valid, args.epochs, folder)
                taken[name].append(time.process_time() - start)
    # The first of each warms up.
    ratios = np.array(taken["through"][1:]) / np.array(taken["alone"][1:])
    rows = [[name, f"{np.median(found[1:]):.2f}"] for name, found in taken.items()]
    measure.show([*rows, ["ratio", f"{np.median(ratios):.3f}"]], [library, "CPU seconds"])
