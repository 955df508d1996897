"""One Keras model trained by a run of hookline and by Keras alone, on the same rows in the same batches."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import measure
import numpy as np

from hookline import Feature, Features, Target
from hookline.kinds.fitting import checkpoints_in
from hookline_tensorflow import KerasTrainer

WIDTH = 40
BATCH = 256


def network() -> Any:
    """Return two hidden layers, compiled."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((WIDTH,)),
            layers.Dense(128, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy())
    return model


class WideTrainer(KerasTrainer):
    """The same model."""

    name = "wide"

    def model(self, train: Features) -> Any:
        """Return it, compiled."""
        return network()


def table(rows: int, seed: int) -> Features:
    """Return rows of two classes."""
    X = np.random.default_rng(seed).standard_normal((rows, WIDTH)).astype(np.float32)
    named = tuple(Feature(f"x{i}", "float32", (f"x{i}",), f"x{i}") for i in range(WIDTH))
    return Features(X, named, y=(X[:, :5].sum(axis=1) > 0).astype(np.int64), target=Target("y", "binary", (0, 1)))


def alone(train: Features, valid: Features, epochs: int, folder: str) -> None:
    """Train as Keras's own documentation says, with the best weights kept and checkpoints written."""
    import keras
    import tensorflow as tf

    # As a run of hookline does, so that the same seed gives the same weights.
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    callbacks = [
        keras.callbacks.EarlyStopping("val_loss", patience=epochs, restore_best_weights=True),
        keras.callbacks.BackupAndRestore(folder),
    ]
    held: Any = (valid.X, valid.y)
    network().fit(
        train.X, train.y, batch_size=BATCH, epochs=epochs, validation_data=held, validation_batch_size=8_192,
        callbacks=callbacks, verbose=0,
    )  # fmt: skip


def through(train: Features, valid: Features, epochs: int, folder: str) -> None:
    """Train as a run does, checkpoints included."""
    with checkpoints_in(Path(folder)):
        WideTrainer(max_epochs=epochs, batch_size=BATCH, patience=epochs).fit(train, valid)


def main() -> None:
    """Print the median of pairs, which a busy machine moves less than either time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--times", type=int, default=5)
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
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
    measure.show([*rows, ["ratio", f"{np.median(ratios):.3f}"]], ["Keras", "CPU seconds"])


if __name__ == "__main__":
    main()
