"""Our launcher for Hydra: jobs composed once and checked first, then run by watched worker processes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from hookline.errors import UnknownName
from hookline.plans.hydra.compose import refuse_misplaced, require_sets
from hookline.plans.hydra.kept import resolved_tree
from hookline.plans.hydra.shorthand import with_roles
from hookline.workspace.workspace import open_workspace

from ..leaderboard import headline
from ..ledger import Ledger
from ..sweep import Sweep
from ..workers.cores import available_cores
from ..workers.interfaces import JobPool, Limits
from ..workers.pool import Pool
from .applications import launch as launch_any
from .composer import Composer
from .options import bytes_of, check_settings
from .standins import LauncherStandIn

SWEEP = "hookline_sweep"
"""The attribute by which a task function brings its `Sweep`; any other task function is run as it is."""
KEPT = "launcher"
"""Where a sweep's settings keep those of its launcher, which a resumed sweep goes on with."""


class HooklineLauncher(Launcher):
    """Runs jobs in reused worker processes that lease cores; one that dies is named and takes nobody with it."""

    option: ClassVar[str] = "hookline"
    """Its name in the group `hydra/launcher`."""
    answering: ClassVar[bool] = True
    """Whether jobs that `ask` while they run are answered, which pruning needs."""

    def __init__(
        self,
        n_jobs: int | None = None,
        cores: int = 1,
        memory: str | int | None = None,
        timeout: float | None = None,
        retries: int = 0,
        fresh: bool = False,
    ) -> None:
        check_settings(cores=cores, timeout=timeout, retries=retries, n_jobs=n_jobs)
        self.settings: dict[str, Any] = {"n_jobs": n_jobs, "cores": cores, "memory": memory, "timeout": timeout}
        self.settings |= {"retries": retries, "fresh": fresh}
        self.limits = Limits(cores, bytes_of(memory), timeout, retries, fresh)
        self.config: DictConfig | None = None
        self.task_function: TaskFunction | None = None
        self.hydra_context: HydraContext | None = None
        self.composer: Composer | None = None

    @property
    def workers(self) -> int:
        """How many jobs run at a time."""
        n_jobs: int | None = self.settings["n_jobs"]
        # -1 is what joblib's users write for all.
        return n_jobs if n_jobs and n_jobs > 0 else max(1, len(available_cores()) // self.limits.cores)

    def pool(self, function: str, setup: Any, jobs: int | None = None, check: str = "") -> JobPool:
        """Return workers for jobs; `check` is for those on other machines."""
        workers = self.workers if jobs is None else min(self.workers, jobs)
        return Pool(function, setup, workers, self.limits, keep=jobs is None)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra gives every launcher."""
        self.config, self.task_function, self.hydra_context = config, task_function, hydra_context
        self.composer = Composer(hydra_context.config_loader, config)

    def compose(self, overrides: Sequence[str]) -> dict[str, Any]:
        """Return the config of one job as plain values; raises what Hydra raises for overrides that do not fit."""
        assert self.composer is not None  # It comes from `setup`.
        found = _plain(self.composer.compose(list(overrides)))
        require_sets(overrides, found)
        return found

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Compose all jobs, check them, run them, and return what they returned, in order."""
        setup_globals()
        assert self.config is not None  # It comes from `setup`.
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        sweep = sweep_of(self.task_function)
        if sweep:
            return self._launch_sweep(sweep, job_overrides)
        return launch_any(self, self.hydra_context, self.task_function, self._configs(job_overrides, initial_job_idx))

    def _launch_sweep(self, sweep: Sweep, job_overrides: Sequence[Sequence[str]]) -> Sequence[JobReturn]:
        assert self.config is not None
        sweep.settings = {**sweep.settings, KEPT: {"option": self.option, **self.settings}}
        new = sweep.add(Path(str(self.config.hydra.sweep.dir)).absolute(), job_overrides, self.compose)
        stop = any(job.config.get("on_error") == "stop" for job in new)
        sweep.run(new, self, stop=stop)
        return _returns(sweep, [job.trial for job in new])

    def _configs(self, job_overrides: Sequence[Sequence[str]], first: int) -> Iterator[DictConfig]:
        assert self.composer is not None
        for index, overrides in enumerate(job_overrides, first):
            config = self.composer.compose(list(overrides))
            with open_dict(config):
                config.hydra.job.id = str(index)
                config.hydra.job.num = index
            yield config


def kept_launcher(settings: Mapping[str, Any], n_jobs: int | None = None) -> HooklineLauncher:
    """Return the launcher that a sweep had, from what its ledger keeps; raises UnknownName where nothing brings it."""
    options: dict[str, Any] = dict(settings.get(KEPT, {}))
    # Hydra takes for a launcher also what their modules import.
    found = [cls for cls in Plugins.instance().discover(Launcher) if cls is not LauncherStandIn]
    real = (cls.stood_for() if issubclass(cls, LauncherStandIn) else cls for cls in found)
    known = {cls.option: cls for cls in real if issubclass(cls, HooklineLauncher)}
    option = options.pop("option", HooklineLauncher.option)
    if option not in known:
        raise UnknownName("launcher", option, known)
    if n_jobs is not None:
        options["n_jobs"] = n_jobs
    return known[option](**options)


def sweep_of(task_function: TaskFunction | None) -> Sweep | None:
    """Return the sweep that a task function brings; None where it is that of another Hydra application."""
    sweep = getattr(task_function, SWEEP, None)
    return sweep if isinstance(sweep, Sweep) else None


def _returns(sweep: Sweep, trials: Sequence[int]) -> list[JobReturn]:
    """Return one JobReturn a trial; its value is the mean of the metric that heads the report."""
    returns = []
    for _, found in groupby(Ledger(open_workspace().catalog).jobs(sweep.id, set(trials)), attrgetter("trial")):
        jobs = list(found)
        returned = JobReturn()
        returned.overrides = list(jobs[0].overrides)
        returned.cfg = OmegaConf.create(dict(jobs[0].config))
        # A sweeper may stop at a FAILED job, and the others would not be told; not a number says failed to those that optimize.
        returned.status = JobStatus.COMPLETED
        done = all(job.status == "finished" for job in jobs)
        returned.return_value = headline(jobs) if done else math.nan
        returns.append(returned)
    return returns


def _plain(config: Any) -> dict[str, Any]:
    ours = OmegaConf.masked_copy(config, [key for key in config if key not in ("hydra", "experiment")])
    tree = resolved_tree(ours)
    assert isinstance(tree, dict)
    refuse_misplaced({"experiment": config.get("experiment")})
    return with_roles({str(key): value for key, value in tree.items()})
