"""What `hydra.launcher.*` and `hydra.sweeper.*` may say of hookline's own, and whether it makes sense."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hookline.errors import UsageError
from hookline.plans.hydra.compose import store_config

SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


@dataclass
class LauncherConf:
    """What `hydra.launcher.*` says."""

    _target_: str
    n_jobs: int | None = None
    """Worker processes; null means one for each lease of cores."""
    cores: int = 1
    """Cores that each worker leases."""
    memory: str | None = None
    """Resident memory of a job above which it is stopped, such as 4GiB."""
    timeout: float | None = None
    """Seconds after which a job is stopped."""
    retries: int = 0
    """How often a job is tried again whose process died."""
    fresh: bool = False
    """Whether each job gets a process of its own."""


@dataclass
class SweeperConf:
    """What `hydra.sweeper.*` says; as Hydra's basic sweeper."""

    _target_: str
    max_batch_size: int | None = None
    params: dict[str, str] | None = None


def check_settings(*, cores: int, timeout: float | None, retries: int, n_jobs: int | None) -> None:
    """Raise UsageError for settings that no sweep can run with."""
    if n_jobs is not None and n_jobs < 1 and n_jobs != -1:
        raise UsageError(f"hydra.launcher.n_jobs: must be at least 1, or -1 for all, got {n_jobs}")
    if cores < 1:
        raise UsageError(f"hydra.launcher.cores: must be at least 1, got {cores}")
    if timeout is not None and timeout <= 0:
        raise UsageError(f"hydra.launcher.timeout: must be greater than 0, got {timeout:g}")
    if retries < 0:
        raise UsageError(f"hydra.launcher.retries: must not be negative, got {retries}")


def bytes_of(size: str | int | None) -> int | None:
    """Return a size such as 512MiB or 4GB in bytes, units being powers of 1024; raises UsageError."""
    if size is None or isinstance(size, int):
        return size
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", size.lower())
    if found is None:
        raise UsageError(f"hydra.launcher.memory: '{size}' is no size", hint="write 512MiB or 4GiB")
    return int(float(found.group(1)) * SIZES[found.group(2)])


def store_options(package: str) -> None:
    """Make the launcher and the sweeper options of Hydra; `package` is where it finds them."""
    store_config("hookline", LauncherConf(f"{package}.HooklineLauncher"), "hydra/launcher")
    store_config("hookline", SweeperConf(f"{package}.HooklineSweeper"), "hydra/sweeper")
