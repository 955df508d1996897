"""Rows that a network learns from, in batches that TensorFlow reads while it computes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from hookline.data.matrix.rows import MatrixRows

from ..runtime import tensorflow

VALID_BATCH = 8_192
"""Rows of a batch that is only measured."""
IN_MEMORY = 2**28
"""Bytes of a matrix that TensorFlow may have a copy of; a larger one is read from where it lies, batch by batch."""


@dataclass(frozen=True)
class Batches:
    """Batches (X, y, weight) without an end, and how many of them are one pass over the rows.

    Keras makes an iterator of what ends for each epoch anew, which takes longer than a small epoch itself.
    """

    data: Any
    """A tf.data.Dataset."""
    steps: int


def shuffled(rows: MatrixRows, batch_size: int, seed: int, first: int) -> Batches:
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


def in_order(rows: MatrixRows) -> Batches:
    """Return batches that are only measured."""
    tf = tensorflow()
    places = tf.data.Dataset.from_tensor_slices(tf.constant(rows.which, tf.int64)).batch(VALID_BATCH)
    return Batches(places.map(_reader(rows)).repeat().prefetch(1), -(-len(rows) // VALID_BATCH))


def _reader(rows: MatrixRows) -> Any:
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
