"""The Ray cluster that work is done on: one of this machine alone, begun and ended with the work, or one that is joined."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hookline.errors import MissingBackend, UnknownName, UsageError
from hookline.registry.backends.clusters import begin_ray, end_ray, first_line, join_ray
from hookline.registry.backends.quiet import SWITCHES
from hookline.sweeps.workers.cores import available_cores


@dataclass
class Cluster:
    """Ray while a sweep needs it, and the room that it has for workers."""

    address: str | None
    """None starts a Ray of our own."""
    runtime_env: Mapping[str, Any]
    cores: int
    """Cores that each worker leases."""
    num_gpus: float
    workers: int | None
    """How many workers are wanted; None for as many as there is room for."""
    said_by: str = "hydra.launcher.address"
    """What the user names the address with."""
    _folder: Path | None = field(default=None, init=False, repr=False)
    _opened: bool = field(default=False, init=False, repr=False)

    @property
    def ours(self) -> bool:
        """Whether Ray is started for the sweep, on this machine."""
        return self.address in (None, "local")

    def open(self) -> None:
        """Start or join Ray, unless this process has; raises UsageError where that cannot be, or a job would never run."""
        require_ray()
        import ray

        _check_environment(self.runtime_env)
        if ray.is_initialized():
            self._accept_what_runs()
        elif self.ours:
            self._start()
        else:
            self._join(str(self.address))
        self._check_room()

    def close(self) -> None:
        """Leave Ray, and end it where it was started here."""
        import ray

        if self._folder is not None:
            end_ray(self._folder)
        elif self._opened:
            ray.shutdown()
        self._folder, self._opened = None, False

    def room(self) -> int:
        """Return how many workers run at a time; 1 where there is no room yet."""
        if self.ours:
            return max(1, len(available_cores()) // self.cores)
        if not self._opened:
            self.open()
        return max(1, sum(self._fit(node) for node in _nodes()))

    def _start(self) -> None:
        # For the processes that it starts too.
        os.environ.update({name: value for name, value in SWITCHES["ray"].items() if name not in os.environ})
        cores = len(available_cores())
        # More workers than cores is what the local launcher allows too, where it is asked for.
        cores = max(cores, (self.workers or 0) * self.cores) if self.cores <= cores else cores
        self._folder = begin_ray(cores, runtime_env=dict(self.runtime_env) or None)
        self._opened = True

    def _join(self, address: str) -> None:
        environment = dict(self.runtime_env) or None
        join_ray(address, self.said_by, "without an address one is started here", runtime_env=environment)
        self._opened = True

    def _accept_what_runs(self) -> None:
        if not self._opened and (not self.ours or self.runtime_env):
            raise UsageError(
                "Ray runs in this process already, so hydra.launcher.address and runtime_env have no effect",
                hint="leave them out",
            )

    def _fit(self, node: Mapping[str, float]) -> int:
        cores = int(node.get("CPU", 0) // self.cores)
        return min(cores, int(node.get("GPU", 0) / self.num_gpus)) if self.num_gpus else cores

    def _check_room(self) -> None:
        if any(self._fit(node) for node in _nodes()):
            return
        asked = f"hydra.launcher.cores={self.cores} hydra.launcher.num_gpus={self.num_gpus:g}"
        what = f"no machine of the Ray cluster has room for a worker with {asked}"
        if self.ours:
            raise UsageError(what, hint="ask for less, or join a cluster by hydra.launcher.address")
        # A cluster that grows by need may get one.
        sys.stderr.write(f"{what}; waiting for one\n")


def require_ray(option: str = "hydra/launcher=ray") -> None:
    """Raise MissingBackend where Ray is not installed. option: what needs it"""
    if find_spec("ray") is None:
        raise MissingBackend(option, "ray", "ray")


def _nodes() -> list[Mapping[str, float]]:
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _check_environment(given: Mapping[str, Any]) -> None:
    """Raise UsageError for what Ray does not know; a field's name it would pass over with a warning."""
    from ray.runtime_env import RuntimeEnv

    for name in given:
        if name not in RuntimeEnv.known_fields:
            raise UnknownName("field of hydra.launcher.runtime_env", name, RuntimeEnv.known_fields)
    try:
        RuntimeEnv(**given)
    except (TypeError, ValueError) as error:
        raise UsageError(f"hydra.launcher.runtime_env: {first_line(error)}") from error
