"""Searches what another Hydra application returns, by whichever launcher it has; nothing of it is kept."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher

from ..study import Search


def search_any(search: Search, launcher: Launcher, batch: int) -> list[Sequence[JobReturn]]:
    """Run trials, `batch` at a time, until the study has its trials; returns what each batch returned."""
    returns: list[Sequence[JobReturn]] = []
    while asked := search.ask(batch):
        first = sum(map(len, returns))
        returned = launcher.launch([trial.overrides for trial in asked], initial_job_idx=first)
        for trial, job in zip(asked, returned, strict=True):
            search.tell(trial.number, *_worth(job))
        returns.append(returned)
    return returns


def _worth(job: JobReturn) -> tuple[Sequence[float] | None, str]:
    """Return what another application's job returned as numbers, or None and why that cannot be."""
    if job.status != JobStatus.COMPLETED:
        try:
            job.return_value  # noqa: B018  raises what the job raised
        except Exception as error:  # noqa: BLE001  whatever a job raises is why its trial failed
            return None, f"{type(error).__name__}: {error}"
    returned = job.return_value
    values = returned if isinstance(returned, (list, tuple)) else (returned,)
    if not all(isinstance(value, (int, float)) for value in values):
        return None, f"it returned {returned!r}, which is no number"
    return [float(value) for value in values], ""
