"""Which cores this process may use, and how it is held to some of them."""

from __future__ import annotations

import os
from collections.abc import Sequence

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "NUMEXPR_MAX_THREADS")


def available_cores() -> list[int]:
    """Return the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def hold_to(cores: Sequence[int]) -> None:
    """Keep this process, and the threads that libraries start in it, to some cores; none leaves it as it is."""
    if not cores:
        return
    for name in THREADS:
        os.environ[name] = str(len(cores))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
