"""A suite run cell by cell, its results kept in the home, so that one that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import ConfigError, HooklineError, StoreError, UnknownName
from hookline.packages.manifest import environment
from hookline.registry.registry import Registry, load_registry
from hookline.runs.result import Run, measured_in
from hookline.runs.runner import run_config
from hookline.workspace.files import write_whole
from hookline.workspace.home import new_run_id
from hookline.workspace.workspace import Workspace, open_workspace

from .ranking import Ranking, mean_of, pareto, ranked, relative
from .results import RESULTS, Result, keep, results_in
from .suite import Cell, Suite, checked, read_suite, suite_of

if TYPE_CHECKING:
    import polars as pl

FOLDER = "benches"
SUITE = "suite.json"
TIMED = ("transform", "featurizer", "features", "trainer")
"""Kinds of stages whose time is a pipeline's."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Bench:
    """A suite with its results: the matrix, ranks, what may be said of them, and quality against time."""

    id: str
    path: Path
    name: str
    suite: Suite
    results: tuple[Result, ...]
    environment: Mapping[str, Any]

    @property
    def missing(self) -> int:
        """How many cells have no result yet."""
        done = {result.key for result in self.results}
        return sum(1 for cell in self.suite.cells() if cell.key not in done)

    @property
    def failures(self) -> tuple[Result, ...]:
        """Cells that failed; what else is said leaves their data sets out."""
        return tuple(result for result in self.results if result.status != "finished")

    def metric(self, data: str) -> str | None:
        """Return the metric that ranks on a data set."""
        heads = [result.headline for result in self.results if result.data == data and result.headline]
        return self.suite.metric or next(iter(heads), None)

    def greater(self, data: str) -> bool:
        """Tell whether more of a data set's metric is better."""
        name = self.metric(data)
        known = [one.metrics for one in self.results if one.data == data]
        return next((metrics[name][1] for metrics in known if name is not None and name in metrics), True)

    @cached_property
    def means(self) -> dict[str, dict[str, float]]:
        """Data set -> pipeline -> mean of its metric over the repeats."""
        return {data: {name: self._mean(data, name) for name in self.suite.pipelines} for data in self.suite.data}

    @cached_property
    def seconds(self) -> dict[str, dict[str, float]]:
        """Data set -> pipeline -> mean seconds over the repeats."""
        return {
            data: {name: mean_of([one.seconds for one in self._of(data, name)]) for name in self.suite.pipelines}
            for data in self.suite.data
        }

    @cached_property
    def ranking(self) -> Ranking:
        """The pipelines by mean rank, and whether they differ."""
        return ranked(self.means, greater={data: self.greater(data) for data in self.suite.data})

    @property
    def verdict(self) -> str:
        """What may be said, in a sentence."""
        told = self.ranking.verdict
        told += f"; {self.missing} runs are still to be done" if self.missing else ""
        return told + (f"; {len(self.failures)} runs failed" if self.failures else "")

    def frame(self) -> pl.DataFrame:
        """Return one row a pipeline, the best first: pipeline, mean_rank, times (of the quickest), pareto, each data set."""
        import polars as pl

        return pl.DataFrame(self.rows())

    def rows(self) -> list[dict[str, Any]]:
        """Return what `frame` has, as plain rows."""
        # Over the data sets of the ranks: where one failed, how the others stand beside the quickest is another question.
        times, ranks = relative({data: self.seconds[data] for data in self.ranking.sets}), self.ranking.ranks
        front = pareto({name: (ranks[name], times[name]) for name in ranks if name in times})
        order = [*ranks, *(name for name in self.suite.pipelines if name not in ranks)]
        return [
            {"pipeline": name, "mean_rank": ranks.get(name), "times": times.get(name), "pareto": name in front}
            | {data: self.means[data][name] for data in self.suite.data}
            for name in order
        ]

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data."""
        ranking = asdict(self.ranking)
        told = {"id": self.id, "suite": self.name, "title": self.suite.title, "verdict": self.verdict}
        metrics = {data: self.metric(data) for data in self.suite.data}
        results = [asdict(result) for result in self.results]
        return {
            **told,
            "missing": self.missing,
            "metrics": metrics,
            "rows": self.rows(),
            "ranking": ranking,
            "results": results,
        }

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.verdict)}</p>{self.frame()._repr_html_()}"

    def _of(self, data: str, pipeline: str) -> list[Result]:
        return [
            one for one in self.results if (one.data, one.pipeline) == (data, pipeline) and one.status == "finished"
        ]

    def _mean(self, data: str, pipeline: str) -> float:
        name, found = self.metric(data), self._of(data, pipeline)
        values = [one.metrics[name][0] for one in found if name is not None and name in one.metrics]
        return mean_of(values) if len(values) == self.suite.repeats else float("nan")


def bench(
    suite: str | Path | Mapping[str, Any],
    *,
    again: bool = False,
    config_dir: str | Path | None = None,
    home: str | Path | None = None,
    tell: Tell | None = None,
) -> Bench:
    """Run a suite of data sets x pipelines x repeats, as `hookline bench run` does, and return what came of it.

    suite: a name, a YAML file, or the mapping that such a file holds: `data` and `pipelines` (name -> overrides), `repeats`,
        `metric`, `common`. One of the same content that was stopped goes on, also after a kill; what failed is run again.
    again: begin anew, though nothing is left to do; config_dir: a folder with `benchmark/NAME.yaml`; tell: is told of each run
    Raises UnknownName, or ConfigError with everything that is wrong with any of the runs, before the first.
    """
    registry, folder = load_registry(), None if config_dir is None else Path(config_dir)
    named = "suite" if isinstance(suite, Mapping) else Path(suite).stem
    said = suite_of(suite) if isinstance(suite, Mapping) else read_suite(registry, str(suite), folder)
    configs = checked(registry, said, folder)
    workspace = open_workspace(home)
    workspace.require_writable()
    place = _place(workspace, named, said, again=again)
    done = {result.key for result in results_in(place) if result.status == "finished"}
    cells = list(said.cells())
    for number, cell in enumerate(cells, 1):
        if cell.key in done:
            continue
        result = _run(registry, workspace, cell, configs[cell.key], home)
        keep(place / RESULTS, result)
        if tell is not None:
            tell(_told(number, len(cells), result, said.metric))
    found = load_bench(place.name, home=home)
    _write_page(registry, found)
    return found


def load_bench(name: str = "last", *, home: str | Path | None = None) -> Bench:
    """Return a bench by `last`, its id or its first letters; raises UnknownName where there is none."""
    folders = _folders(open_workspace(home))
    fitting = [folder for folder in folders if name == "last" or folder.name.startswith(name)]
    if not fitting:
        raise UnknownName("bench", name, [folder.name for folder in folders], hint="`hookline bench list` lists them")
    return _read(fitting[0])


def benches(*, home: str | Path | None = None) -> list[Bench]:
    """Return every bench in the home, the newest first."""
    return [_read(folder) for folder in _folders(open_workspace(home))]


def _folders(workspace: Workspace) -> list[Path]:
    """Return the folders of all benches, the newest first."""
    return [path.parent for path in sorted((workspace.home / FOLDER).glob(f"*/{SUITE}"), reverse=True)]


def _place(workspace: Workspace, name: str, suite: Suite, *, again: bool) -> Path:
    """Return the folder of the newest bench of a suite with the libraries that are installed, or a new one."""
    here = environment()
    for folder in [] if again else _folders(workspace):
        before = _read(folder)
        if before.suite.digest == suite.digest and before.environment["packages"] == here["packages"]:
            return folder
    folder = workspace.home / FOLDER / new_run_id()
    folder.mkdir(parents=True)
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    facts = {"name": name, "begun": begun, "suite": asdict(suite), "environment": here}
    write_whole(folder / SUITE, json.dumps(facts, indent=1))
    return folder


def _read(folder: Path) -> Bench:
    try:
        facts = json.loads((folder / SUITE).read_text("utf-8"))
        name, here = str(facts["name"]), facts["environment"]
        suite = suite_of(facts["suite"], name)
        dict(here["packages"])
        return Bench(folder.name, folder, name, suite, results_in(folder), here)
    except (ValueError, LookupError, TypeError, RecursionError, ConfigError) as error:
        raise StoreError(
            f"{folder / SUITE} is damaged: {str(error).splitlines()[0]}",
            hint="take the folder away and run the suite again",
        ) from None


def _run(registry: Registry, workspace: Workspace, cell: Cell, config: Any, home: str | Path | None) -> Result:
    key = (cell.data, cell.pipeline, cell.repeat)
    try:
        run = run_config(registry, config, home=home)
    except HooklineError as error:
        return Result(*key, "", "failed", {}, 0.0, error=error.message)
    except Exception as error:  # noqa: BLE001  a plugin's stage may raise anything, and must not take the other runs with it
        return Result(*key, "", "failed", {}, 0.0, error=f"{type(error).__name__}: {error}")
    measured = measured_in(run.evidence, "evaluator", "folds")
    metrics = {one.name: (float(one.value), one.greater_is_better) for one in measured.values()}
    head = measured.headline()
    return Result(*key, run.id, run.status, metrics, _seconds(workspace, run), None if head is None else head.name)


def _seconds(workspace: Workspace, run: Run) -> float:
    """Return how long the pipeline's own stages took, in this run or in the one that left them in the store."""
    stages = [stage for stage in run.evidence["plan"] if stage["kind"] in TIMED]
    known = (
        stage["seconds"] if stage["status"] == "ran" else workspace.catalog.runs.seconds_of(stage["fingerprint"]) or 0.0
        for stage in stages
    )
    return round(sum(known), 6)


def _told(number: int, count: int, result: Result, metric: str | None) -> str:
    name = metric or result.headline
    known = name is not None and name in result.metrics
    value = f"{name} {result.metrics[str(name)][0]:.4g}" if known else result.error or "not measured"
    return f"{number}/{count} {result.data} x {result.pipeline} #{result.repeat + 1}: {value} in {result.seconds:.2f}s"


def _write_page(registry: Registry, found: Bench) -> None:
    if "benchmark" in registry.pages:
        registry.render("benchmark", found.plain(), found.path / "bench.html")
