"""Jobs of any Hydra application, sent to our workers and run there as Hydra itself would run them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from ..workers.interfaces import Outcome, Pools

RUN = f"{__name__}:run_any"


def launch(
    pools: Pools, hydra_context: HydraContext | None, task: TaskFunction | None, configs: Iterable[DictConfig]
) -> list[JobReturn]:
    """Run one job for each config by what `pools` makes, and return what they returned, in order."""
    from ..workers.pickling import pickled

    setup = pickled((hydra_context, task, Singleton.get_state()))
    payloads = [(number, pickled(config)) for number, config in enumerate(configs)]
    outcomes = pools.pool(RUN, setup, len(payloads)).run(payloads)
    return [_job_return(outcome) for outcome in sorted(outcomes, key=lambda outcome: outcome.job)]


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
