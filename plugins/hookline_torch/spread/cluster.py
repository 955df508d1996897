"""The Ray cluster that workers train on: the one that this process has joined, that RAY_ADDRESS names, or one begun here."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout

from hookline.errors import ConfigError, Problem, UsageError
from hookline.registry.backends.clusters import CLIENT, begin_ray, end_ray, join_ray
from hookline.sweeps.workers.cores import available_cores

from ..training.options import Training

ADDRESS = "RAY_ADDRESS"


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
            folder = begin_ray(len(available_cores()))
            try:
                yield False
            finally:
                end_ray(folder)


def _join(address: str) -> None:
    if address.startswith(CLIENT):
        what = f"{ADDRESS}: a training is begun on a machine of the cluster, not from outside by {CLIENT}"
        raise UsageError(what, hint="run it on a machine of the cluster, with RAY_ADDRESS=auto")
    join_ray(address, ADDRESS, "without the variable one is started here for the training")


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
