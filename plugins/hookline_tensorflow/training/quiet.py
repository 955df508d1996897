"""Leaves random state, determinism and logging of the process as they were."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager

from ..runtime import keras, tensorflow

LOGGERS = ("tensorflow", "absl")


@contextmanager
def own_random_state(seed: int) -> Iterator[None]:
    """Seed what Keras draws from, use operations that give the same each time, and give back what was before."""
    import numpy as np

    tensorflow()
    from tensorflow.python.framework import config  # There is no public word that takes it back.

    held, drawn, was = random.getstate(), np.random.get_state(), config.is_op_determinism_enabled()
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    config.enable_op_determinism()
    keras().utils.set_random_seed(seed)
    try:
        yield
    finally:
        if not was:
            config.disable_op_determinism()
        random.setstate(held)
        np.random.set_state(drawn)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
