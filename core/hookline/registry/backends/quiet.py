"""Which backends report home unless they are told not to, and how each is told; a plugin imports such a backend here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

SWITCHES: Mapping[str, Mapping[str, str]] = {
    # Looks up a collector's name, and keeps a device's id and the events that wait in the user's cache.
    "onnxruntime": {"ORT_DISABLE_TELEMETRY": "1"},
    # Sends the host's name, hashed, the version, and the system from a thread of its own.
    "whylogs": {"WHYLOGS_NO_ANALYTICS": "1"},
    # Asks for a configuration, and sends which functions were called.
    "mlflow": {"MLFLOW_DISABLE_TELEMETRY": "true"},
    # Collects the cluster's size, system and libraries, and sends them once an hour.
    "ray": {"RAY_USAGE_STATS_ENABLED": "0"},
}
"""Backend -> variables of the environment that switch its reporting off; all of them read these when they are imported."""


def import_quietly(backend: str) -> ModuleType:
    """Import a backend with its reporting off; where the user says something else in the environment, that stands."""
    with quiet(backend):
        return import_module(backend)


@contextmanager
def quiet(backend: str) -> Iterator[None]:
    """Have a backend's switches set within this block, and the environment as it was after it: it belongs to the user."""
    new = {name: value for name, value in SWITCHES[backend].items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


def quiet_environment(backend: str) -> dict[str, str]:
    """Return this process's environment with a backend's switches set, for a process that is to use it."""
    return {**SWITCHES[backend], **os.environ}
