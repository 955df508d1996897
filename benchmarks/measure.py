"""Runs a command in a fresh process and says how long it took and how much memory it held."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

HERE = Path(__file__).parent
DATA = Path(tempfile.gettempdir()) / "hookline-benchmarks"
HOOKLINE = str(Path(sys.executable).with_name("hookline"))


@dataclass(frozen=True)
class Cost:
    """Wall seconds and peak resident memory in MiB."""

    seconds: float
    memory: float


def run(command: Sequence[str], env: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end; raises CalledProcessError if it fails."""
    import time

    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=os.environ | dict(env or {}), stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace")[-3000:])
            raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(seconds, usage.ru_maxrss / 1024)


def run_tree(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> Cost:
    """Run a command in a folder with this environment only; the memory is that of all its processes together.

    Resident memory of the process and its descendants is added up 50 times a second, and the peak of the sums is told. Pages
    that several processes share count once for each, and a peak shorter than 20 ms can be missed. Raises CalledProcessError.
    """
    import time

    import psutil

    peak = 0
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = psutil.Popen(command, cwd=folder, env=dict(env), stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, sum(map(_resident, [process, *_descendants(process)])))
            time.sleep(0.02)
        seconds = time.perf_counter() - started
        if process.returncode:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace")[-3000:])
            raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(seconds, peak / 1024**2)


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    import psutil

    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _resident(process: psutil.Process) -> int:
    import psutil

    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def best(costs: Sequence[Cost]) -> Cost:
    """Return the smallest time and the smallest memory of several tries."""
    return Cost(min(cost.seconds for cost in costs), min(cost.memory for cost in costs))


def table_w(rows: int) -> Path:
    """Return table W as Parquet, made if need be: an id, a timestamp, 12 numbers with gaps, 6 categories, a binary target."""
    from hookline_polars import SyntheticSource

    path = DATA / f"w-{rows}.parquet"
    if not path.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        SyntheticSource(rows=rows).load().frame.sink_parquet(temporary)
        temporary.rename(path)
    return path


def show(rows: Sequence[Sequence[object]], header: Sequence[str]) -> None:
    """Print rows as a Markdown table."""
    cells = [
        [*map(str, header)],
        *([f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows),
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print("\n".join(lines), flush=True)
