"""One Keras model trained by a run of hookline and by Keras alone, on the same rows in the same batches."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from wide import BATCH, WIDTH, compare

from hookline import Features
from hookline.kinds.fitting import checkpoints_in
from hookline_tensorflow import KerasTrainer


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
    """Print what training takes."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    compare("Keras", __doc__, alone, through)


if __name__ == "__main__":
    main()
