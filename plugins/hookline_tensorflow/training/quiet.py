"""Leaves random state and logging of the process as they were; determinism, once on, stays on."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager

from ..runtime import keras, tensorflow

LOGGERS = ("tensorflow", "absl")


@contextmanager
def own_random_state(seed: int) -> Iterator[None]:
    """Seed what Keras draws from, use operations that give the same each time, and give back what was before.

    TensorFlow has no public word that takes determinism back, so it stays on in this process.
    """
    import numpy as np

    held, drawn = random.getstate(), np.random.get_state()
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    tensorflow().config.experimental.enable_op_determinism()
    keras().utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(held)
        np.random.set_state(drawn)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
