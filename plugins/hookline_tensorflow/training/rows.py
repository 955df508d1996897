"""Rows that a network learns from, in batches that TensorFlow reads while it computes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np

from hookline import Features
from hookline.errors import DataError

from ..runtime import tensorflow

VALID_BATCH = 8_192
"""Rows of a batch that is only measured."""
IN_MEMORY = 2**28
"""Bytes of a matrix that TensorFlow may have a copy of; a larger one is read from where it lies, batch by batch."""


@dataclass(frozen=True)
class Rows:
    """Rows of a design matrix, dense or CSR, which may lie memory-mapped on disk.

    X: float32 (n_rows, n_features); y: int64 codes or float32 numbers, (n_rows,); weight: float32, (n_rows,)
    which: int64, (n,), the rows of the matrix that are meant
    """

    trainer: str
    X: Any
    y: np.ndarray
    weight: np.ndarray
    which: np.ndarray

    @classmethod
    def of(cls, trainer: str, features: Features, center: float, scale: float) -> Rows:
        """Take features with their truth; numbers to predict become (number - center) / scale.

        Raises DataError where no row has a weight above 0.
        """
        y: Any = features.y
        if features.target is not None and features.target.task == "regression":
            y = ((y - center) / scale).astype(np.float32)
        weight = np.ones(len(y)) if features.sample_weight is None else features.sample_weight
        if len(y) and not weight.any():
            raise DataError(
                f"trainer '{trainer}' needs rows with a weight above 0, and the split gave it none",
                hint="look at the column of roles.weight",
            )
        return cls(trainer, features.X, y, (weight / weight.mean()).astype(np.float32), np.arange(len(y)))

    def cut(self, fraction: float, seed: int) -> tuple[Rows, Rows]:
        """Divide at random into rows to learn from and rows to stop on; raises DataError where there are fewer than 2."""
        counted = self.which[self.weight[self.which] > 0]
        if len(counted) < 2:
            raise DataError(
                f"trainer '{self.trainer}' needs at least 2 training rows", hint="trainer.patience=null takes one"
            )
        order = np.random.default_rng(seed).permutation(counted)
        held = min(max(1, round(fraction * len(order))), len(order) - 1)
        return self._taken(np.sort(order[held:])), self._taken(np.sort(order[:held]))

    def _taken(self, which: np.ndarray) -> Rows:
        """Return some of the rows, their mean weight 1."""
        return replace(self, which=which, weight=self.weight / self.weight[which].mean())

    def __len__(self) -> int:
        return len(self.which)


@dataclass(frozen=True)
class Batches:
    """Batches (X, y, weight) without an end, and how many of them are one pass over the rows.

    Keras makes an iterator of what ends for each epoch anew, which takes longer than a small epoch itself.
    """

    data: Any
    """A tf.data.Dataset."""
    steps: int


def shuffled(rows: Rows, batch_size: int, seed: int, first: int) -> Batches:
    """Return batches to learn from, in an order that seed and epoch alone decide; first: the epoch to begin with."""
    tf = tensorflow()
    starts = list(range(0, len(rows), batch_size))
    if len(rows) - starts[-1] < 2 and len(starts) > 1 and batch_size > 1:
        # A last row that is alone joins the batch before: batch normalization has no variance of one row.
        starts.pop()
    bounds = tf.constant(np.column_stack([starts, [*starts[1:], len(rows)]]), tf.int64)

    def orders() -> Iterator[np.ndarray]:
        # Once an epoch: all else is done in TensorFlow's own threads.
        for number in count(first):
            yield rows.which[np.random.default_rng([seed, number]).permutation(len(rows))]

    def batches(order: Any) -> Any:
        pieces = tf.data.Dataset.from_tensor_slices(bounds)
        return pieces.map(lambda bound: tf.sort(order[bound[0] : bound[1]]))

    spec = tf.TensorSpec([len(rows)], tf.int64)
    places = tf.data.Dataset.from_generator(orders, output_signature=spec).flat_map(batches)
    endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    return Batches(places.map(_reader(rows)).apply(endless).prefetch(2), len(starts))


def in_order(rows: Rows) -> Batches:
    """Return batches that are only measured."""
    tf = tensorflow()
    places = tf.data.Dataset.from_tensor_slices(tf.constant(rows.which, tf.int64)).batch(VALID_BATCH)
    return Batches(places.map(_reader(rows)).repeat().prefetch(1), -(-len(rows) // VALID_BATCH))


def _reader(rows: Rows) -> Any:
    """Return what makes a batch of the places of its rows."""
    tf = tensorflow()
    y, weight = tf.constant(rows.y), tf.constant(rows.weight)
    width = rows.X.shape[1]
    if isinstance(rows.X, np.ndarray) and rows.X.nbytes <= IN_MEMORY:
        held = tf.constant(np.asarray(rows.X, dtype=np.float32))
        return lambda places: (tf.gather(held, places), tf.gather(y, places), tf.gather(weight, places))

    def read(places: np.ndarray) -> np.ndarray:
        some = rows.X[places]
        return np.ascontiguousarray(some if isinstance(some, np.ndarray) else some.toarray(), dtype=np.float32)

    def batch(places: Any) -> Any:
        X = tf.numpy_function(read, [places], tf.float32)
        return tf.ensure_shape(X, [None, width]), tf.gather(y, places), tf.gather(weight, places)

    return batch
