"""What a person is told on stderr of each job of a sweep that has ended."""

from __future__ import annotations

import sys

from .leaderboard import headline_metric
from .ledger import JobRecord


def say(job: JobRecord, ended: int, count: int) -> None:
    """Tell a person of a job that has ended."""
    sys.stderr.write(line(job, ended, count) + "\n")
    sys.stderr.flush()


def line(job: JobRecord, ended: int, count: int) -> str:
    """Return what is said on stderr of a job that has ended."""
    mark = {"finished": "✓", "pruned": "–"}.get(job.status, "✗")
    metric = headline_metric([job])
    shown = f"{metric} {job.metrics[metric][0]:.4g}" if metric else ""
    what = shown if job.status == "finished" else f"{job.status}: {job.error.splitlines()[0] if job.error else ''}"
    return f"{mark} {ended:>3}/{count} #{job.number:<4} {' '.join(job.overrides):<60} {job.seconds:6.1f}s  {what}"
