"""What `hydra.launcher.*` may say of workers on a Ray cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import OmegaConf

from hookline.plans.hydra.compose import store_config
from hookline.sweeps.hydra import options


@dataclass
class LauncherConf(options.LauncherConf):
    """What `hydra.launcher.*` says; the local launcher's, and what Ray asks."""

    num_gpus: float = 0
    """GPUs that each worker leases; a part of one is possible."""
    address: str | None = None
    """A cluster to join: auto, HOST:PORT or ray://HOST:PORT; null starts Ray on this machine for the sweep."""
    runtime_env: dict[str, Any] = field(default_factory=dict)
    """Ray's runtime environment of the workers."""


def store_options(package: str) -> None:
    """Make the launcher an option of Hydra; `package` is where it finds it."""
    node = OmegaConf.structured(LauncherConf(f"{package}.RayLauncher"))
    # Open, as its fields are Ray's to know.
    OmegaConf.set_struct(node.runtime_env, False)
    store_config("ray", node, "hydra/launcher")
