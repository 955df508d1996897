"""Imports TensorFlow and Keras, which say much, and leave a file in the user's folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from hookline.errors import ConfigError, Problem

VARIABLES: Mapping[str, str] = {
    # Errors alone; a user who wants more says so.
    "TF_CPP_MIN_LOG_LEVEL": "2",
    # oneDNN adds up in an order of its own on each processor, and says so on stderr whatever the level.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    # Keras would make ~/.keras, and go by what somebody wrote there.
    "KERAS_HOME": os.devnull,
    "KERAS_BACKEND": "tensorflow",
}
"""Variables of the environment that both read when they are imported; where the user says something else, that stands."""
THREADS = "OMP_NUM_THREADS"
"""Variable by which a worker of a sweep is told how many threads it may have."""


def tensorflow() -> Any:
    """Return the tensorflow package."""
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    with _said():
        package: Any = import_module("tensorflow")
    _take_threads(package)
    return package


def keras() -> Any:
    """Return the keras package; raises ConfigError where it runs on something else than TensorFlow."""
    tensorflow()
    with _said():
        package: Any = import_module("keras")
    backend = package.backend.backend()
    if backend != "tensorflow":
        told = f"Keras runs on {backend} in this process; unset KERAS_BACKEND, or set it to tensorflow"
        raise ConfigError("this component needs Keras on TensorFlow", [Problem("KERAS_BACKEND", told)])
    return package


@contextmanager
def _said() -> Iterator[None]:
    """Have the variables set within this block, and the environment as it was after it: it belongs to the user."""
    new = {name: value for name, value in VARIABLES.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


def _take_threads(package: Any) -> None:
    """Have TensorFlow start no more threads than other libraries; of its own accord it takes the cores that it may use."""
    told = os.environ.get(THREADS, "")
    if not told.isdigit() or not int(told):
        return
    # RuntimeError: somebody has used it already, and it has its threads.
    with suppress(RuntimeError):
        package.config.threading.set_intra_op_parallelism_threads(int(told))
        package.config.threading.set_inter_op_parallelism_threads(int(told))
