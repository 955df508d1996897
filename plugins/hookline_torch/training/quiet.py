"""Leaves random state, signals, variables and logging of the process as they were, and keeps Lightning quiet."""

from __future__ import annotations

import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import torch
from pytorch_lightning.callbacks import Callback

LOGGERS = ("pytorch_lightning", "lightning_fabric", "lightning.pytorch")
VARIABLES = (
    *("CUBLAS_WORKSPACE_CONFIG", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "WORLD_SIZE"),
    "PYTHONBREAKPOINT",
)
"""Variables that Lightning sets for what it starts, and Ray for whoever joins it."""


class Quieting(Callback):  # type: ignore[misc]  # mypy does not follow Lightning
    """Keeps a process quiet that was started to train, and so begins by reading this from its parent."""

    def __init__(self) -> None:
        self.loggers = LOGGERS

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name in self.loggers:
            logging.getLogger(name).setLevel(logging.ERROR)
        warnings.simplefilter("ignore")


@contextmanager
def own_random_state(seed: int) -> Iterator[None]:
    """Seed torch, and give back its random state afterwards."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's banners away, and give back what it changes of the process."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    held = signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
    variables = {name: os.environ.get(name) for name in VARIABLES}
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with _determinism_held(), warnings.catch_warnings():
            # Advice on data-loading workers, batch sizes and log steps is meant for code that a user wrote; Ray warns of itself.
            warnings.filterwarnings("ignore", module=r"pytorch_lightning|lightning_fabric|torch|ray\.")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        _give_back(variables)
        if held is not None:
            with suppress(ValueError):
                signal.signal(signal.SIGINT, held)


@contextmanager
def _determinism_held() -> Iterator[None]:
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark


def _give_back(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is not None:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
