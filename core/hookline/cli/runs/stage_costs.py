"""Shows where the time and the memory of a run went, stage by stage."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from hookline.kinds.hooks import RunInfo, StageInfo, hookimpl
from hookline.sweeps.workers.memory import forget_peak, peak

from ..output import say

WIDTHS = (28, 8, 7, 8, 9)
BESIDE = "in a process beside it"
_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes of what `getrusage` counts memory in."""


@dataclass(frozen=True)
class Cost:
    """What one part of a run took."""

    part: str
    seconds: float
    """Of the clock."""
    cpu_seconds: float
    """Of all cores together."""
    peak_memory: int
    """Most resident memory of the process meanwhile, in bytes."""


class StageCosts:
    """A lifecycle plugin that measures each stage, and what lies before and after them all."""

    def __init__(self) -> None:
        self.costs: list[Cost] = []
        # What Python and the imports took until now belongs to the run as well.
        self._since = time.perf_counter() - _age()
        self._cpu = 0.0
        self._children = getrusage(RUSAGE_CHILDREN)

    @hookimpl
    def before_run(self) -> None:
        """Account for starting, composing and planning."""
        self._account("start, config and plan")

    @hookimpl
    def after_stage(self, stage: StageInfo) -> None:
        """Account for a stage; one that was not run is told with the next that was."""
        if stage.status == "ran":
            self._account(stage.key)

    @hookimpl
    def on_stage_error(self, stage: StageInfo) -> None:
        """Account for a stage that failed."""
        self._account(stage.key)

    @hookimpl(trylast=True)
    def after_run(self, run: RunInfo) -> None:
        """Account for the report and evidence, and show it all."""
        self._account("evidence and report")
        self._account_for_children()
        for line in lines(self.costs):
            say(line)

    def _account(self, part: str) -> None:
        now, cpu = time.perf_counter(), time.process_time()
        self.costs.append(Cost(part, now - self._since, cpu - self._cpu, peak()))
        self._since, self._cpu = now, cpu
        forget_peak()

    def _account_for_children(self) -> None:
        """Account for a process beside the run, which has ended by now; its time passed while the stages' did."""
        before, now = self._children, getrusage(RUSAGE_CHILDREN)
        cpu = now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
        if cpu:
            self.costs.append(Cost(BESIDE, 0.0, cpu, now.ru_maxrss * _UNIT))


def _age() -> float:
    """Return for how many seconds this process is there."""
    import psutil

    with suppress(OSError, AttributeError):
        # The clock that Linux counts it by; the time of day at boot, which psutil adds, is off by up to a second.
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return float(time.clock_gettime(time.CLOCK_BOOTTIME)) - ticks / os.sysconf("SC_CLK_TCK")
    return float(time.time() - psutil.Process().create_time())


def lines(costs: list[Cost]) -> list[str]:
    """Return a table, in the order of the run."""
    whole = sum(cost.seconds for cost in costs)
    rows = [("where the time went", "seconds", "share", "cpu s", "peak MiB")]
    for cost in costs:
        share, memory = f"{cost.seconds / whole:.0%}", f"{cost.peak_memory / 1024**2:,.0f}"
        rows.append((cost.part, f"{cost.seconds:.2f}", share, f"{cost.cpu_seconds:.2f}", memory))
    cpu = sum(cost.cpu_seconds for cost in costs)
    # Two processes hold their memory at the same time.
    most = max(cost.peak_memory for cost in costs if cost.part != BESIDE)
    most += sum(cost.peak_memory for cost in costs if cost.part == BESIDE)
    rows.append(("all", f"{whole:.2f}", "100%", f"{cpu:.2f}", f"{most / 1024**2:,.0f}"))
    return [_aligned(row) for row in rows]


def _aligned(row: tuple[str, ...]) -> str:
    first, *others = row
    numbers = (text.rjust(width) for text, width in zip(others, WIDTHS[1:], strict=True))
    return first.ljust(WIDTHS[0]) + "".join(numbers)
