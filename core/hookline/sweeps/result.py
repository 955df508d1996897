"""A sweep that has ended, as Python callers hold it: its leaderboard, its best run, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import UsageError
from hookline.plans.hydra.app import run_app
from hookline.registry.registry import Registry, load_registry
from hookline.runs.result import Run, load_run
from hookline.workspace.home import home_in
from hookline.workspace.workspace import open_workspace

from .hydra.nulls import without_choice_of_null
from .keywords import overrides_of
from .leaderboard import Leaderboard, leaderboard
from .ledger import ENDED, JobRecord, Ledger
from .progress import Teller
from .searching import write
from .sweep import Sweep
from .ties import with_ties

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, repr=False)
class SweepResult:
    """A sweep that has ended: its leaderboard, its best run, and what failed."""

    id: str
    path: Path
    board: Leaderboard
    """The ranked trials, as plain rows, with the verdict."""
    jobs: tuple[JobRecord, ...] = field(repr=False)

    @property
    def leaderboard(self) -> pl.DataFrame:
        """The trials, the best first: rank, trial, what varied, each metric with its interval, seconds, status, error, path."""
        return self.board.frame()

    @property
    def verdict(self) -> str:
        """Which trials nothing tells from the best, in a sentence."""
        return self.board.verdict

    @property
    def best(self) -> Run:
        """The run of the first place; raises UsageError where no job has finished."""
        first = next((row for row in self.board.rows if row["status"] == "finished" and row["path"]), None)
        if first is None:
            raise UsageError(f"no job of sweep {self.id} has finished", hint="`failures` says why")
        return load_run(Path(first["path"]), None, None)

    @property
    def failures(self) -> pl.DataFrame:
        """The jobs that did not finish: number, trial, overrides, status, error; those that were pruned are none."""
        import polars as pl

        failed = [job for job in self.jobs if job.status not in ENDED]
        names = ("number", "trial", "overrides", "status", "error")
        schema: dict[str, Any] = dict(zip(names, (pl.Int64, pl.Int64, pl.String, pl.String, pl.String), strict=True))
        rows = [(job.number, job.trial, " ".join(job.overrides), job.status, job.error) for job in failed]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def plain(self) -> dict[str, Any]:
        """Return the leaderboard as JSON values: sweep, metric, varied, rows, others, ties, verdict, best, register."""
        return self.board.plain()

    def __repr__(self) -> str:
        return repr(self.board)

    def _repr_html_(self) -> str:
        return self.board._repr_html_()


def sweep_from(
    overrides: Sequence[str | Sequence[str]],
    config: Mapping[str, Any],
    n_jobs: int | None,
    teller: Teller,
    home: str | Path | None,
) -> SweepResult:
    """Run the sweep that overrides and keywords mean, by so many workers; raises what `run_sweep` raises."""
    registry = load_registry()
    typed = [text for item in overrides for text in ([item] if isinstance(item, str) else item)]
    workers = [] if n_jobs is None else [f"hydra.launcher.n_jobs={n_jobs}"]
    with home_in(home):
        return run_sweep(registry, [*typed, *overrides_of(registry, config), *workers], teller)


def run_sweep(registry: Registry, overrides: Sequence[str], teller: Teller) -> SweepResult:
    """Run the sweep that overrides mean, as `hookline -m` does, and return what came of it; jobs that fail are told there.

    Raises ConfigError, before any job starts, with what is wrong with each, and UsageError for a launcher that keeps no ledger.
    """
    typed = [without_choice_of_null(override) for override in overrides]
    sweep = Sweep(registry, typed, teller)
    run_app(registry, ["--multirun", *typed], _refuse, sweep)
    return concluded(registry, sweep.id)


def concluded(registry: Registry, name: str) -> SweepResult:
    """Return what a sweep on the ledger has come to, its leaderboard written."""
    ledger = Ledger(open_workspace().catalog)
    record = ledger.sweep(name)
    jobs = ledger.jobs(record.id)
    board = with_ties(leaderboard(record, jobs), jobs)
    write(board, jobs, Path(record.path), registry)
    return SweepResult(record.id, Path(record.path), board, tuple(jobs))


def _refuse(tree: dict[str, Any], folder: Path) -> None:
    raise UsageError("this launcher keeps no ledger", hint="leave hydra/launcher out, or take hookline or ray")
