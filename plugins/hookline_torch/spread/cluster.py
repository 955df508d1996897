"""The Ray cluster that workers train on: the one that this process has joined, that RAY_ADDRESS names, or one begun here."""

from __future__ import annotations

import io
import logging
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

from hookline.errors import ConfigError, Problem, UsageError
from hookline.registry.backends.quiet import quiet

from ..training.options import Training

ADDRESS = "RAY_ADDRESS"
CLIENT = "ray://"
REACH_SECONDS = 10.0
OBJECTS = 128 * 1024**2
"""Bytes of shared memory of a Ray that is begun here."""
SILENT: Mapping[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
LONGEST_FOLDER = 30
"""Characters; Ray puts sockets below its folder, whose paths may have 107 on Linux."""


@contextmanager
def joined() -> Iterator[bool]:
    """Be part of the cluster within this block; yield whether it is one of others, which may grow.

    Raises UsageError where the one that is named cannot be joined.
    """
    import ray

    # What Ray says of a worker that died it prints to stdout, which is data.
    with redirect_stdout(io.StringIO()):
        if ray.is_initialized():
            yield True
        elif address := os.environ.get(ADDRESS):
            _join(address)
            try:
                yield True
            finally:
                ray.shutdown()
        else:
            with _begun():
                yield False


@contextmanager
def _begun() -> Iterator[None]:
    import ray

    system = tempfile.gettempdir()
    short = tempfile.mkdtemp(prefix="hl-", dir=system if len(system) <= LONGEST_FOLDER else "/tmp")  # noqa: S108  mkdtemp makes it ours
    try:
        with quiet("ray"):
            ray.init("local", _temp_dir=short, include_dashboard=False, object_store_memory=OBJECTS, **SILENT)
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(short, ignore_errors=True)


def _join(address: str) -> None:
    import ray

    if address.startswith(CLIENT):
        what = f"{ADDRESS}: a training is begun on a machine of the cluster, not from outside by {CLIENT}"
        raise UsageError(what, hint="run it on a machine of the cluster, with RAY_ADDRESS=auto")
    host, _, port = address.rpartition(":")
    try:
        if host and port.isdigit():
            # Ray itself would try for minutes.
            socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()
        ray.init(address, **SILENT)
    except (OSError, RuntimeError, ValueError) as error:
        first = next((line for line in f"{error}".splitlines() if line.strip()), type(error).__name__)
        raise UsageError(
            f"{ADDRESS}: no Ray cluster can be joined at '{address}': {first.strip()}",
            hint="`ray start --head` starts one; without the variable one is started here for the training",
        ) from error


def placed(training: Training, *, grows: bool) -> tuple[Training, int]:
    """Return the training with the accelerator that the cluster has for it, and how many workers share it.

    Raises ConfigError for what the cluster has not; what it has too little of is waited for where it `grows`.
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
    workers = training.devices if training.devices != "auto" else max(1, gpus if on_gpu else 1)
    short = _short_of({"CPU": workers * training.num_cpus, "GPU": workers * on_gpu}, held)
    if short and not grows:
        problems.append(Problem("trainer.devices", f"{short}; RAY_ADDRESS names a larger one"))
    if problems:
        raise ConfigError(f"bad config for trainer '{training.trainer}'", problems)
    if short:
        sys.stderr.write(f"{short}; waiting for more\n")
    return training.on("gpu" if on_gpu else "cpu"), workers


def _short_of(wanted: Mapping[str, int], held: Mapping[str, float]) -> str:
    told = [
        f"{count} {name}s, of which the Ray cluster has {held.get(name, 0):g}"
        for name, count in wanted.items()
        if count > held.get(name, 0)
    ]
    return f"the workers take {' and '.join(told)}" if told else ""
