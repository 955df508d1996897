"""The Ray cluster that workers train on: the one that this process has joined, that RAY_ADDRESS names, or one begun here."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hookline.errors import ConfigError, Problem, UsageError
from hookline.registry.backends.quiet import quiet

from ..training.options import Training

ADDRESS = "RAY_ADDRESS"
CLIENT = "ray://"
REACH_SECONDS = 10.0
OBJECTS = 128 * 1024**2
"""Bytes of shared memory of a Ray that is begun here."""
LONGEST_FOLDER = 30
"""Characters; Ray puts sockets below its folder, whose paths may have 107 on Linux."""


@contextmanager
def joined() -> Iterator[None]:
    """Be part of the cluster within this block; raises UsageError where the one that is named cannot be joined."""
    import ray

    # What it prints would stand between lines of ours, and stdout is data.
    told: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if ray.is_initialized():
        yield
    elif address := os.environ.get(ADDRESS):
        _join(address, told)
        try:
            yield
        finally:
            ray.shutdown()
    else:
        system = tempfile.gettempdir()
        short = tempfile.mkdtemp(prefix="hl-", dir=system if len(system) <= LONGEST_FOLDER else "/tmp")  # noqa: S108  mkdtemp makes it ours
        try:
            with quiet("ray"):
                ray.init("local", _temp_dir=short, include_dashboard=False, object_store_memory=OBJECTS, **told)
            yield
        finally:
            ray.shutdown()
            shutil.rmtree(short, ignore_errors=True)


def _join(address: str, told: Mapping[str, Any]) -> None:
    import ray

    if address.startswith(CLIENT):
        what = f"{ADDRESS}: a training is begun on a machine of the cluster, not from outside by {CLIENT}"
        raise UsageError(what, hint="run it on a machine of the cluster, with RAY_ADDRESS=auto")
    host, _, port = address.rpartition(":")
    try:
        if host and port.isdigit():
            # Ray itself would try for minutes.
            socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()
        ray.init(address, **told)
    except (OSError, RuntimeError, ValueError) as error:
        first = next((line for line in f"{error}".splitlines() if line.strip()), type(error).__name__)
        raise UsageError(
            f"{ADDRESS}: no Ray cluster can be joined at '{address}': {first.strip()}",
            hint="`ray start --head` starts one; without the variable one is started here for the training",
        ) from error


def placed(training: Training) -> tuple[Training, int]:
    """Return the training with the accelerator that the cluster has for it, and how many workers share it.

    Raises ConfigError for what the cluster has not; where it has too little, says so, since it may grow.
    """
    import ray

    held = ray.cluster_resources()
    gpus = int(held.get("GPU", 0))
    on_gpu = training.accelerator in ("gpu", "cuda") or (training.accelerator == "auto" and gpus > 0)
    problems = []
    if training.accelerator == "mps":
        problems.append(Problem("trainer.accelerator", "workers of Ray train on cpu or gpu, not on mps"))
    if on_gpu and not gpus:
        problems.append(Problem("trainer.accelerator", "the Ray cluster has no GPU; auto takes what there is"))
    if training.precision == "16-mixed" and not on_gpu:
        problems.append(Problem("trainer.precision", "16-mixed needs a GPU; bf16-mixed runs on a CPU too"))
    if problems:
        raise ConfigError(f"bad config for trainer '{training.trainer}'", problems)
    workers = training.devices if training.devices != "auto" else max(1, gpus if on_gpu else 1)
    for resource, wanted in {"CPU": workers * training.num_cpus, "GPU": workers * on_gpu}.items():
        if wanted > held.get(resource, 0):
            has = f"{held.get(resource, 0):g}"
            sys.stderr.write(f"training wants {wanted} {resource}s and the Ray cluster has {has}; waiting for more\n")
    return training.on("gpu" if on_gpu else "cpu"), workers
