"""The launcher that Hydra calls for `hydra/launcher=ray`: hookline's own, with workers on the machines of a Ray cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from hookline.errors import UsageError
from hookline.sweeps.hydra import launcher
from hookline.sweeps.workers.interfaces import JobPool

from .cluster import Cluster, require_ray
from .pool import RayPool


class RayLauncher(launcher.HooklineLauncher):
    """Runs jobs in reused workers on the machines of a Ray cluster; one that dies is named and takes nobody with it."""

    option: ClassVar[str] = "ray"
    answering: ClassVar[bool] = False

    def __init__(
        self,
        n_jobs: int | None = None,
        cores: int = 1,
        memory: str | int | None = None,
        timeout: float | None = None,
        retries: int = 0,
        fresh: bool = False,
        num_gpus: float = 0,
        address: str | None = None,
        runtime_env: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(n_jobs, cores, memory, timeout, retries, fresh)
        if num_gpus < 0:
            raise UsageError(f"hydra.launcher.num_gpus: must not be negative, got {num_gpus:g}")
        environment = _plain(runtime_env)
        self.settings |= {"num_gpus": num_gpus, "address": address, "runtime_env": environment}
        wanted = n_jobs if n_jobs and n_jobs > 0 else None
        self.cluster = Cluster(address, environment, cores, num_gpus, wanted)

    @property
    def workers(self) -> int:
        """How many jobs run at a time; by default as many as the cluster has room for."""
        return self.cluster.workers or self.cluster.room()

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra gives every launcher; raises MissingBackend where Ray is not installed."""
        require_ray()
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def pool(self, function: str, setup: Any, jobs: int | None = None, check: str = "") -> JobPool:
        """Return workers for jobs; Ray starts with the first of them."""
        return RayPool(function, setup, self.cluster, self.limits, jobs, check)


def _plain(given: Mapping[str, Any] | None) -> dict[str, Any]:
    tree = OmegaConf.to_container(given, resolve=True) if isinstance(given, DictConfig) else given
    return {str(key): value for key, value in tree.items()} if isinstance(tree, Mapping) else {}
