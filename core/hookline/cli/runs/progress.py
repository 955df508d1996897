"""Shows a run under way: one line a stage, live on a terminal, plain elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

from hookline.kinds.given.switches import chosen, is_off
from hookline.kinds.hooks import RunInfo, StageInfo, hookimpl
from hookline.kinds.reports import Finding
from hookline.telling.terminal import harmless, one_line

if TYPE_CHECKING:
    from rich.console import Console

MARKS = {"ran": "✓", "cached": "=", "unneeded": "·", "pruned": "–", "failed": "✗"}
LINE_SECONDS = 10.0
"""How often a line says how many rows are done, where no bar does."""


class Progress:
    """A lifecycle plugin that writes to stderr; HOOKLINE_PROGRESS is auto, rich, plain or off."""

    def __init__(self) -> None:
        self.console, self.off = _console(), _is_off()
        self.status = None if isinstance(self.console, Lines) else self.console.status("")

    @hookimpl
    def before_run(self, run: RunInfo) -> None:
        """Say which run this is."""
        self._line(f"run {run.id} ({run.name})")

    @hookimpl
    def before_stage(self, stage: StageInfo) -> None:
        """Show what is being done."""
        if self.status and not self.off:
            self.status.update(one_line(f"{stage.index}/{stage.count} {stage.key} ({stage.component}): {stage.why}"))
            self.status.start()

    @hookimpl
    def after_stage(self, stage: StageInfo) -> None:
        """Say what was done, how long it took, and why."""
        self._stop()
        seconds = f"{stage.seconds:6.2f}s" if stage.status == "ran" else f"{stage.status:>7}"
        told = "; ".join(part for part in (stage.summary, stage.why if stage.status == "ran" else "") if part)
        mark = MARKS[stage.status]
        self._line(
            f"{mark} {stage.index:>2}/{stage.count} {stage.key:<24} {stage.component:<22} {seconds}  {told}".rstrip()
        )

    @hookimpl
    def on_stage_error(self, stage: StageInfo) -> None:
        """Say which stage failed."""
        self._stop()
        self._line(
            f"{MARKS['failed']} {stage.index:>2}/{stage.count} {stage.key:<24} {stage.component:<22} "
            f"{stage.seconds:6.2f}s  failed"
        )

    @hookimpl
    def on_finding(self, finding: Finding) -> None:
        """Say what a monitor found."""
        self._line(f"  {finding.severity}: {finding.message}")

    @hookimpl
    def after_run(self, run: RunInfo) -> None:
        """Let go of the terminal."""
        self._stop()

    def _stop(self) -> None:
        if self.status:
            self.status.stop()

    def _line(self, line: str) -> None:
        if not self.off:
            self.console.print(one_line(line), soft_wrap=True)


class SweepProgress:
    """A sweep under way, on stderr: a line a job, and a bar below them on a terminal."""

    def __init__(self) -> None:
        self.console, self.off = _console(), _is_off()
        self.bar: Any = None
        if _is_live():
            self._begin()

    def say(self, text: str) -> None:
        """Show a line."""
        if not self.off:
            self.console.print(harmless(text), soft_wrap=True)

    def at(self, ended: int, count: int, running: Sequence[str]) -> None:
        """Move the bar."""
        if self.bar:
            told = one_line("; ".join(running))
            self.bar.update(0, completed=ended, total=count, description=f"{ended}/{count}", running=told)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar:
            self.bar.stop()

    def _begin(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.table import Column

        shown = TextColumn("{task.fields[running]}", markup=False, table_column=Column(no_wrap=True, ratio=1))
        columns = (TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn(), shown)
        self.bar = Progress(*columns, console=_rich(self.console), transient=True, expand=True)
        self.bar.add_task("sweep", total=None, running="composing")
        self.bar.start()


class RowProgress:
    """Rows scored into a file, on stderr: a bar with rows a second and the time left on a terminal, lines elsewhere."""

    def __init__(self, count: Callable[[], int]) -> None:
        self.console, self.off, self.count = _console(), _is_off(), count
        self.bar: Any = None
        self.total: int | None = None
        self.done = self.since = 0
        self.begun = self.told = time.monotonic()
        self.counting: Thread | None = None

    def begin(self, done: int) -> None:
        """Say what a killed command had done."""
        self.done = self.since = done
        if done and not self.off:
            self.console.print(f"{done:,} rows were done already", soft_wrap=True)
        if _is_live():
            self._begin_bar()

    def at(self, rows: int) -> None:
        """Show how many rows are done; elsewhere than on a terminal at most every LINE_SECONDS."""
        self.done = rows
        if self.off:
            return
        if self.counting is None:
            # Once there is more than one chunk's work; a daemon, so that nobody waits for what it finds.
            self.counting = Thread(target=self._find_total, name="count", daemon=True)
            self.counting.start()
        if self.bar:
            self.bar.update(0, completed=rows, total=self.total, speed=self._speed())
        elif time.monotonic() - self.told >= LINE_SECONDS:
            self.told = time.monotonic()
            self.console.print(self._line(), soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar:
            self.bar.stop()

    def _begin_bar(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        speed = TextColumn("{task.fields[speed]}", markup=False)
        columns = (BarColumn(20), MofNCompleteColumn(), TextColumn("rows"), speed, TimeRemainingColumn())
        self.bar = Progress(*columns, console=_rich(self.console), transient=True)
        self.bar.add_task("rows", total=None, completed=self.done, speed="")
        self.bar.start()

    def _find_total(self) -> None:
        # Whatever is wrong with the rows, whoever scores them meets it too.
        with suppress(BaseException):
            self.total = self.count()

    def _rate(self) -> float:
        return (self.done - self.since) / max(time.monotonic() - self.begun, 1e-3)

    def _speed(self) -> str:
        return f"{self._rate():,.0f} rows/s"

    def _line(self) -> str:
        if self.total is None or not self._rate():
            return f"{self.done:,} rows, {self._speed()}"
        left = timedelta(seconds=round((self.total - self.done) / self._rate()))
        return f"{self.done:,} of {self.total:,} rows, {self._speed()}, {left} left"


def _is_off() -> bool:
    return chosen("HOOKLINE_PROGRESS") == "off"


def _is_live() -> bool:
    mode = chosen("HOOKLINE_PROGRESS")
    return mode == "rich" or (mode == "auto" and sys.stderr.isatty() and is_off(os.environ.get("CI")))


class Lines:
    """What stands in for rich's console where nothing moves: rich takes longer to import than a line to write."""

    def __init__(self) -> None:
        self.quiet = False

    def print(self, text: str, soft_wrap: bool = True) -> None:
        """Write a line, if anybody reads."""
        if self.quiet:
            return
        try:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
        except BrokenPipeError:
            # Nobody reads on, and the run goes on.
            self.quiet = True


def _console() -> Console | Lines:
    if not _is_live():
        return Lines()
    from rich.console import Console

    class Patient(Console):
        def on_broken_pipe(self) -> None:
            """Fall silent where nobody reads on; rich would end the run."""
            self.quiet = True

    return Patient(stderr=True, highlight=False, markup=False, emoji=False, force_terminal=True)


def _rich(console: Console | Lines) -> Console:
    assert not isinstance(console, Lines)
    return console
