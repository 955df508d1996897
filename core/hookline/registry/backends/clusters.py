"""Ray clusters: one of this machine alone, begun and ended with the work, or one that is joined."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hookline.errors import UsageError

from .quiet import quiet

CLIENT = "ray://"
"""How the address begins of a cluster that is asked from outside."""
OBJECTS = 128 * 1024**2
"""Bytes of shared memory of a Ray of ours."""
REACH_SECONDS = 10.0
LONGEST_FOLDER = 30
"""Characters; Ray puts sockets below its folder, whose paths may have 107 on Linux."""
SILENT = {"log_to_driver": False, "logging_level": logging.ERROR}
"""Options of `ray.init`: stdout is data, so that workers' output stays in Ray's logs, and Ray's own words do too."""


def begin_ray(cores: int, **options: Any) -> Path:
    """Begin a Ray of this machine, and return its folder, which `end_ray` takes. options: of `ray.init`"""
    import ray

    system = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="hl-", dir=system if len(system) <= LONGEST_FOLDER else "/tmp"))  # noqa: S108  mkdtemp makes it ours
    local = {"num_cpus": cores, "include_dashboard": False, "object_store_memory": OBJECTS}
    try:
        with quiet("ray"):
            ray.init("local", _temp_dir=str(folder), **local, **SILENT, **options)
    except BaseException:
        with suppress(Exception):
            ray.shutdown()
        end_ray(folder)
        raise
    return folder


def end_ray(folder: Path) -> None:
    """End a Ray of this machine, and remove what it wrote."""
    import ray

    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


def join_ray(address: str, said_by: str, otherwise: str, **options: Any) -> None:
    """Join a cluster; raises UsageError where there is none at an address, or it cannot be reached in time.

    said_by: what the address was named with; otherwise: what becomes of the work without it; options: of `ray.init`
    """
    import ray

    if address.startswith(CLIENT) and find_spec("grpc") is None:
        raise UsageError(f"{said_by}: {CLIENT} needs Ray's client", hint="pip install 'ray[client]'")
    # `auto` is what Ray's own variable says, where it is set.
    at = os.environ.get("RAY_ADDRESS", address) if address == "auto" else address
    host, _, port = at.removeprefix(CLIENT).rpartition(":")
    try:
        if host and port.isdigit():
            # Ray itself would try for minutes.
            socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()
        ray.init(address, **SILENT, **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"{said_by}: no Ray cluster can be joined at '{address}': {first_line(error)}",
            hint=f"`ray start --head` starts one, which may ask for RAY_AUTH_MODE=token; {otherwise}",
        ) from error


def first_line(error: BaseException) -> str:
    """Return what an error says first, or its name where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
