"""Watches what code does to its process: imports, connections, and state that everyone shares."""

from __future__ import annotations

import logging
import os
import random
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

HEAVY = (
    "catboost",
    "dask",
    "hydra",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "numpy",
    "omegaconf",
    "onnx",
    "onnxruntime",
    "pandas",
    "polars",
    "pyarrow",
    "pydantic",
    "pytorch_lightning",
    "ray",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "tensorflow",
    "torch",
    "transformers",
    "xgboost",
)
"""Libraries that take long to import."""
LOCAL = ("localhost", "127.", "::1", "0.0.0.0")  # noqa: S104  compared with, never bound

_PICKLED: ContextVar[list[str] | None] = ContextVar("pickled", default=None)


@cache
def heavy_imports(module: str) -> tuple[str, ...]:
    """Return the heavy libraries that a fresh process holds after importing a module; raises ImportError where it cannot."""
    code = f"import sys, {module}\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(  # noqa: S603  our own interpreter, on a module that this process has imported
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": paths},
    )
    if done.returncode:
        raise ImportError((done.stderr.strip().splitlines() or ["it says nothing"])[-1], name=module)
    return tuple(done.stdout.splitlines()[-1].split())


@contextmanager
def watched_pickles() -> Iterator[list[str]]:
    """Yield a list of the classes and functions that pickles look up meanwhile, in this thread and by whatever library."""
    _hear_pickles()
    found: list[str] = []
    before = _PICKLED.set(found)
    try:
        yield found
    finally:
        _PICKLED.reset(before)


@cache
def _hear_pickles() -> None:
    """Have Python tell of every lookup; once a process, as an audit hook is never taken off again."""

    def hear(event: str, args: tuple[Any, ...]) -> None:
        if event == "pickle.find_class" and (found := _PICKLED.get()) is not None:
            found.append(".".join(map(str, args)))

    sys.addaudithook(hear)


@contextmanager
def watched_network() -> Iterator[list[str]]:
    """Refuse every connection and name lookup beyond this machine; yields the list of hosts that were asked for."""
    asked: list[str] = []
    cls: Any = socket.socket
    saved = (cls.connect, cls.connect_ex, socket.getaddrinfo)

    def refuse(host: object) -> None:
        if not str(host).startswith(LOCAL):
            asked.append(str(host))
            raise ConnectionRefusedError(f"no connection to {host} in this check")

    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse(address[0])
        return saved[0](self, address)

    def connect_ex(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse(address[0])
        return saved[1](self, address)

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host:
            refuse(host.decode() if isinstance(host, bytes) else host)
        return saved[2](host, *args, **kwargs)

    cls.connect, cls.connect_ex = connect, connect_ex
    socket.getaddrinfo = getaddrinfo
    try:
        yield asked
    finally:
        cls.connect, cls.connect_ex, socket.getaddrinfo = saved


@contextmanager
def counted_collects() -> Iterator[list[None]]:
    """Count how often lazy frames are carried out; yields a list with an item for each time."""
    import polars as pl

    cls: Any = pl.LazyFrame
    saved, collected = cls.collect, list[None]()

    def collect(self: Any, *args: Any, **kwargs: Any) -> Any:
        collected.append(None)
        return saved(self, *args, **kwargs)

    cls.collect = collect
    try:
        yield collected
    finally:
        cls.collect = saved


def state_changes(act: Callable[[], None]) -> list[str]:
    """Return what of the process' shared state differs after `act`, which is put back; what mere imports do does not count."""
    with _restored():
        act()
    with _restored():
        before = _state()
        act()
        after = _state()
    return [name for name in before if before[name] != after[name]]


@contextmanager
def _restored() -> Iterator[None]:
    import numpy as np

    environ, folder = dict(os.environ), Path.cwd()
    states = random.getstate(), np.random.get_state()
    levels = {name: logger.level for name, logger in _loggers().items()}
    with warnings.catch_warnings():
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(environ)
            os.chdir(folder)
            random.setstate(states[0])
            np.random.set_state(states[1])
            for name, logger in _loggers().items():
                if name in levels:
                    logger.setLevel(levels[name])


def _state() -> dict[str, Any]:
    import numpy as np

    kind, keys, *rest = np.random.get_state()
    return {
        "Python's random state": random.getstate(),
        "numpy's random state": (kind, bytes(np.asarray(keys)), *rest),
        "os.environ": dict(os.environ),
        "the working folder": Path.cwd(),
        "the warnings filters": list(warnings.filters),
        "log levels": {name: logger.level for name, logger in _loggers().items()},
    }


def _loggers() -> dict[str, logging.Logger]:
    # Held with their names, since a logger made meanwhile has a level of its own and is no change.
    named = {name: item for name, item in logging.root.manager.loggerDict.items() if isinstance(item, logging.Logger)}
    return {"root": logging.root, **named}
