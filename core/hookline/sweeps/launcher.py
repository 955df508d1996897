"""Our launcher and sweeper for Hydra: jobs composed once and checked first, then run by watched worker processes."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from hookline.errors import UnknownName, UsageError
from hookline.plans.hydra.compose import refuse_misplaced, store_config

from .composer import Composer
from .jobs import Sweep
from .ledger import Ledger
from .pool import JobPool, Limits, Outcome, Pool

SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
SWEEP = "hookline_sweep"
"""The attribute by which a task function brings its `Sweep`; any other task function is run as it is."""
KEPT = "launcher"
"""Where a sweep's settings keep those of its launcher, which a resumed sweep goes on with."""


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


class HooklineSweeper(BasicSweeper):
    """Hydra's basic sweeper, which leaves it to the launcher to compose and check the jobs."""

    def __init__(self, max_batch_size: int | None = None, params: dict[str, str] | None = None) -> None:
        # Not the basic sweeper's own: Hydra runs its module twice, and its `super()` then means another class than ours.
        Sweeper.__init__(self)
        self.overrides = None
        self.batch_index = 0
        self.max_batch_size, self.params = max_batch_size, params or {}
        self.hydra_context, self.config, self.launcher = None, None, None

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Do nothing unless another launcher is chosen: ours checks every job before the first starts, and composes once."""
        if not isinstance(self.launcher, HooklineLauncher):
            super().validate_batch_is_legal(batch)


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
        _check(cores=cores, timeout=timeout, retries=retries, n_jobs=n_jobs)
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
        return _plain(self.composer.compose(list(overrides)))

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Compose all jobs, check them, run them, and return what they returned, in order."""
        setup_globals()
        assert self.config is not None  # It comes from `setup`.
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        sweep = sweep_of(self.task_function)
        return self._launch_sweep(sweep, job_overrides) if sweep else self._launch_any(job_overrides, initial_job_idx)

    def _launch_sweep(self, sweep: Sweep, job_overrides: Sequence[Sequence[str]]) -> Sequence[JobReturn]:
        assert self.config is not None
        sweep.settings = {**sweep.settings, KEPT: {"option": self.option, **self.settings}}
        new = sweep.add(Path(str(self.config.hydra.sweep.dir)).absolute(), job_overrides, self.compose)
        stop = any(job.config.get("on_error") == "stop" for job in new)
        sweep.run(new, self, stop=stop)
        return _returns(sweep, [job.trial for job in new])

    def _launch_any(self, job_overrides: Sequence[Sequence[str]], first: int) -> Sequence[JobReturn]:
        from .pickling import pickled

        assert self.composer is not None
        payloads = []
        for index, overrides in enumerate(job_overrides, first):
            config = self.composer.compose(list(overrides))
            with open_dict(config):
                config.hydra.job.id = str(index)
                config.hydra.job.num = index
            payloads.append((index - first, pickled(config)))
        setup = pickled((self.hydra_context, self.task_function, Singleton.get_state()))
        pool = self.pool(f"{__name__}:run_any", setup, len(payloads))
        outcomes = sorted(pool.run(payloads), key=lambda outcome: outcome.job)
        return [_job_return(outcome) for outcome in outcomes]


def kept_launcher(settings: Mapping[str, Any], n_jobs: int | None = None) -> HooklineLauncher:
    """Return the launcher that a sweep had, from what its ledger keeps; raises UnknownName where nothing brings it."""
    options: dict[str, Any] = dict(settings.get(KEPT, {}))
    found = [cls for cls in Plugins.instance().discover(Launcher) if issubclass(cls, HooklineLauncher)]
    known = {cls.option: cls for cls in found}
    option = options.pop("option", HooklineLauncher.option)
    if option not in known:
        raise UnknownName("launcher", option, known)
    if n_jobs:
        options["n_jobs"] = n_jobs
    return known[option](**options)


def run_any(setup: bytes, payload: bytes) -> bytes:
    """Run one job of any Hydra application in a worker."""
    import cloudpickle

    hydra_context, task_function = _prepared(setup)
    config = cloudpickle.loads(payload)
    returned = run_job(
        hydra_context=hydra_context,
        task_function=task_function,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
    pickled: bytes = cloudpickle.dumps(returned)
    return pickled


@lru_cache(maxsize=1)
def _prepared(setup: bytes) -> tuple[HydraContext, TaskFunction]:
    """Make this process one of Hydra's, once for all jobs that it gets: that takes longer than a small job."""
    import cloudpickle

    hydra_context, task_function, state = cloudpickle.loads(setup)
    setup_globals()
    Singleton.set_state(state)
    return hydra_context, task_function


def sweep_of(task_function: TaskFunction | None) -> Sweep | None:
    """Return the sweep that a task function brings; None where it is that of another Hydra application."""
    sweep = getattr(task_function, SWEEP, None)
    return sweep if isinstance(sweep, Sweep) else None


def _check(*, cores: int, timeout: float | None, retries: int, n_jobs: int | None) -> None:
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


def _returns(sweep: Sweep, trials: Sequence[int]) -> list[JobReturn]:
    """Return one JobReturn a trial; its value is the mean of the metric that heads the report."""
    from hookline.workspace.workspace import open_workspace

    from .leaderboard import headline

    records = Ledger(open_workspace().catalog).jobs(sweep.id)
    returns = []
    for trial in sorted(set(trials)):
        jobs = [job for job in records if job.trial == trial]
        returned = JobReturn()
        returned.overrides = list(jobs[0].overrides)
        returned.cfg = OmegaConf.create(dict(jobs[0].config))
        # A sweeper may stop at a FAILED job, and the others would not be told; not a number says failed to those that optimize.
        returned.status = JobStatus.COMPLETED
        done = all(job.status == "finished" for job in jobs)
        returned.return_value = headline(jobs) if done else math.nan
        returns.append(returned)
    return returns


def _job_return(outcome: Outcome) -> JobReturn:
    import cloudpickle

    if outcome.ok:
        returned: JobReturn = cloudpickle.loads(outcome.value)
        return returned
    returned = JobReturn()
    returned.status = JobStatus.FAILED
    returned.return_value = RuntimeError(
        f"job {outcome.job} {outcome.status}: {outcome.error}\n{outcome.trace}".rstrip()
    )
    return returned


def _plain(config: Any) -> dict[str, Any]:
    ours = OmegaConf.masked_copy(config, [key for key in config if key not in ("hydra", "experiment")])
    tree = OmegaConf.to_container(ours, resolve=True)
    assert isinstance(tree, dict)
    refuse_misplaced({"experiment": config.get("experiment")})
    return {str(key): value for key, value in tree.items()}


def available_cores() -> list[int]:
    """Return the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
