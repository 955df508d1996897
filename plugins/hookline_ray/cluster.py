"""The Ray cluster that work is done on: one of this machine alone, begun and ended with the work, or one that is joined."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hookline.errors import MissingBackend, UnknownName, UsageError
from hookline.registry.backends.quiet import SWITCHES
from hookline.sweeps.workers.cores import available_cores

OBJECTS = 128 * 1024**2
"""Bytes of shared memory of a Ray of ours; jobs pass their artifacts through the store, not through Ray."""
CLIENT = "ray://"
REACH_SECONDS = 10.0
LONGEST_FOLDER = 30
"""Characters; Ray puts sockets below its folder, whose paths may have 107 on Linux."""


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

        if self._opened:
            ray.shutdown()
            self._opened = False
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def room(self) -> int:
        """Return how many workers run at a time; 1 where there is no room yet."""
        if self.ours:
            return max(1, len(available_cores()) // self.cores)
        if not self._opened:
            self.open()
        return max(1, sum(self._fit(node) for node in _nodes()))

    def _start(self) -> None:
        import ray

        # For the processes that it starts too.
        os.environ.update({name: value for name, value in SWITCHES["ray"].items() if name not in os.environ})
        self._folder = _short_folder()
        cores = len(available_cores())
        # More workers than cores is what the local launcher allows too, where it is asked for.
        cores = max(cores, (self.workers or 0) * self.cores) if self.cores <= cores else cores
        local = {"num_cpus": cores, "include_dashboard": False, "object_store_memory": OBJECTS}
        try:
            ray.init("local", _temp_dir=str(self._folder), **local, **self._quiet())
        except BaseException:
            with suppress(Exception):
                ray.shutdown()
            self.close()
            raise
        self._opened = True

    def _join(self, address: str) -> None:
        import ray

        try:
            # `auto` is what Ray's own variable says, where it is set.
            _reach(os.environ.get("RAY_ADDRESS", address) if address == "auto" else address)
            ray.init(address, **self._quiet())
        except (OSError, RuntimeError, ValueError) as error:
            raise UsageError(
                f"{self.said_by}: no Ray cluster can be joined at '{address}': {first_line(error)}",
                hint="`ray start --head` starts one, which may ask for RAY_AUTH_MODE=token; "
                "without an address one is started here",
            ) from error
        self._opened = True

    def _quiet(self) -> dict[str, Any]:
        # stdout is data, so the workers' output stays in Ray's logs, and Ray's own words do too.
        return {"runtime_env": dict(self.runtime_env) or None, "log_to_driver": False, "logging_level": logging.ERROR}

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


def _reach(address: str) -> None:
    """Raise OSError where nobody listens at HOST:PORT, which Ray itself would try to reach for minutes."""
    if address.startswith(CLIENT) and find_spec("grpc") is None:
        raise UsageError(f"hydra.launcher.address: {CLIENT} needs Ray's client", hint="pip install 'ray[client]'")
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()


def first_line(error: BaseException) -> str:
    """Return what an error says first, or its name where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


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


def _short_folder() -> Path:
    system = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="hl-", dir=system if len(system) <= LONGEST_FOLDER else "/tmp"))  # noqa: S108  mkdtemp makes it ours
