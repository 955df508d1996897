"""The Python API: everything the command line does, as functions, with no project or YAML needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import UsageError
from hookline.kinds.artifacts import Label, Roles
from hookline.kinds.component import Component
from hookline.kinds.deployments import ServeOptions, Trust
from hookline.kinds.reports import Report
from hookline.plans.keywords import config_of
from hookline.runs.result import Run

if TYPE_CHECKING:
    import polars as pl

    from hookline.data.collecting import Collected
    from hookline.live.log.predictions import Moment
    from hookline.live.monitoring import Monitors
    from hookline.live.registering import Registered
    from hookline.live.updating import Update
    from hookline.live.watched import Watched
    from hookline.packages.loading import LoadedPackage
    from hookline.packages.telling.contracts import InputContract
    from hookline.plans.plan import Plan
    from hookline.quality.profile.profile import DataProfile
    from hookline.runs.past.trace import RowTrace
    from hookline.sweeps.result import SweepResult


def run(*overrides: str | Sequence[str] | Mapping[str, Any], home: str | Path | None = None, **config: Any) -> Run:
    """Run from Hydra overrides (`hl.run("trainer=ridge", "source=diabetes")`), a mapping, or components and options by keyword.

    By keyword, a component is an object, a name, or a mapping with `component` and its fields; `transform`, `evaluator`,
    `packager` and `monitor` take several; `source` also takes a data frame or a path; `target` is short for `roles`.
    Raises ConfigError, PlanError or DataError before any compute where the fault can be known; else what a stage raises.
    """
    from hookline.registry.registry import load_registry
    from hookline.runs.runner import run_config

    registry = load_registry()
    return run_config(registry, config_of(registry, overrides, config), home=home)


def plan(*overrides: str | Sequence[str] | Mapping[str, Any], **config: Any) -> Plan:
    """Check a config as a whole and return its stages; takes what `run` takes, and runs nothing."""
    from hookline.registry.registry import load_registry
    from hookline.runs.sequence import plan_run

    registry = load_registry()
    return plan_run(registry, config_of(registry, overrides, config))


def sweep(
    *overrides: str | Sequence[str],
    n_jobs: int | None = None,
    progress: bool = True,
    home: str | Path | None = None,
    **config: Any,
) -> SweepResult:
    """Run many runs, as `hookline -m` does: `hl.sweep(source="t.csv", target="y", trainer=["ridge", "random_forest"])`.

    overrides: as they are typed, `"trainer.max_depth=range(1,9)"` and `"hydra/sweeper=optuna"` among them
    config: as for `run`, and of a list every value is tried; where a key takes a list itself, as `transform` does, of a list
    of lists. What is not said is as on the command line, so that each run has a package; none is deployed.
    n_jobs: worker processes; by default one a core. progress: whether each job that has ended is told on stderr
    Raises ConfigError before any job starts; a job that fails later is told in `failures`, and the others go on.
    """
    from hookline.sweeps.progress import Lines, Silent
    from hookline.sweeps.result import sweep_from

    return sweep_from(overrides, config, n_jobs, Lines() if progress else Silent(), home)


def runs(
    *, limit: int | None = 50, name: str | None = None, status: str | None = None, home: str | Path | None = None
) -> pl.DataFrame:
    """Return the newest runs (limit None: all), a row each: id, name, status, started, seconds, path, error, each metric."""
    from hookline.workspace.workspace import open_workspace

    return open_workspace(home).catalog.runs.frame(limit, name, status)


def load(
    what: str | Path, *, trust: Trust | None = None, home: str | Path | None = None, contract: str | Path | None = None
) -> Run | LoadedPackage:
    """Load a run (`"last"`, an id, a folder) or a package (a folder, `"model"`, `"model@alias"`, `"model:3"`).

    contract: a contract file whose word stands above the package's own.
    Raises UnknownName, DataError, StoreError, or UntrustedPackage where loading could run code that `trust` does not allow.
    """
    from hookline.runs.names import load as load_by_name

    return load_by_name(what, trust=trust, home=home, contract=None if contract is None else Path(contract))


def features(model: str | Path, *, home: str | Path | None = None) -> pl.DataFrame:
    """Return a model's features, one a row: name, dtype, inputs, definition, version, importance, share of all importance.

    model: as for `load`; of a run, its first package. Raises UnknownName, DataError or StoreError.
    """
    from hookline.packages.telling.features import features_frame
    from hookline.runs.names import find
    from hookline.runs.result import load_run

    found = find(model, home)
    folder = load_run(found.folder, None, None).package() if found.is_run else found.folder
    return features_frame(folder, found.version)


def why(
    run: str | Path | Run = "last",
    row: Label | None = None,
    *,
    position: int | None = None,
    home: str | Path | None = None,
) -> RowTrace:
    """Tell what a run did to one row of its source: every transform that dropped or changed it, and the part it landed in.

    row: its value in the id role's column, or its position where there is no id role; position: from 0, whatever the roles
    Raises DataError where the source has changed since, the row is not there, or what the run fitted is lost.
    """
    from hookline.runs.names import run_of
    from hookline.runs.past.trace import trace_of

    if (row is None) == (position is None):
        raise UsageError("say which row: either `row` or `position`")
    return trace_of(run_of(run, home=home), row, position, home)


def evaluate(model: Any, X: Any = None, y: Any = None, *, task: str | None = None) -> Report:
    """Judge a fitted scikit-learn estimator or pipeline on rows it has not seen, with the report that runs get.

    model: an estimator; or, alone, scored rows whose truth is known, such as `hl.scored("churn").labeled()`
    X: what `model.predict` takes, (n_rows, ...); y: labels or numbers, (n_rows,)
    task: classification or regression; by default what the model is for
    """
    from hookline.quality.judging import answers_of_estimator, judge
    from hookline.registry.registry import load_registry

    return judge(load_registry(), answers_of_estimator(model, X, y, task))


def profile(
    what: Any,
    *,
    target: str | None = None,
    group: str | None = None,
    roles: Roles | Mapping[str, Any] | None = None,
    population: Any = None,
    html: str | Path | None = None,
) -> DataProfile:
    """Measure a table that nobody prepared, and say what is odd about it.

    what: a path, a source's name, a source, or a polars or pandas data frame; html: a file to write the profile to, as a page
    population: whom the rows should stand for: a table as `what`, or shares as column -> value -> share
    """
    from hookline.plans.keywords import profile_of
    from hookline.quality.profile.profile import render
    from hookline.registry.registry import load_registry

    registry = load_registry()
    made = profile_of(registry, what, roles, Roles(target=target, group=group), population)
    if html is not None:
        render(registry, made, Path(html))
    return made


def contract(what: str | Path, *, home: str | Path | None = None) -> InputContract:
    """Return a model's input contract: `print` shows the YAML that `contract=` of a run, `load` and the like read.

    what: as for `load`. Raises UnknownName, UsageError, DataError or StoreError.
    """
    from hookline.packages.telling.contracts import contract_in
    from hookline.registry.registry import load_registry
    from hookline.runs.names import find

    found = find(what, home)
    return contract_in(found.package(), load_registry(), found.version)


def register(run: str | Path | Run, package: str | None = None, *, home: str | Path | None = None) -> Registered:
    """Make the package of a finished run, such as the best of a sweep, a version that nothing points to.

    run: as for `compare`; package: its key in the config (default: the first there)
    Raises UsageError where the run did not finish or has no such package, StoreError where the package is damaged.
    """
    from hookline.live.registering import register as register_run

    return register_run(run, package, home=home)


def update(
    model: str,
    rows: Any,
    *,
    trust: Trust | None = None,
    source: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
) -> Update:
    """Let a registered model (as for `load`) learn labeled raw rows, and register what it becomes as a new version.

    rows: a path, or a data frame, with the target's column. No alias moves: `promote` does that.
    source: fields of the source, to read this file otherwise than the training rows, such as {"separator": ";"}
    Raises UsageError for a model that cannot learn on, DataError for rows that do not fit it or do not tell the truth.
    """
    from hookline.live.updating import update as update_model

    return update_model(model, rows, trust=trust, source=source, home=home)


def monitor(
    what: str | Path,
    data: Any = None,
    monitors: Monitors = ("data_drift",),
    *,
    since: Moment = None,
    until: Moment = None,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    source: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
) -> Watched:
    """Return each monitor's report on current rows, held against what a model was trained on.

    what: as for `load`; data: raw rows, a path or a data frame, with the target's column where it is known; without, what the
        model answered since then and until then, as for `predictions`, with the truth that labels tell
    monitors: one or several names or monitors, or a mapping of names to fields
    source: fields of the source, to read this file otherwise than the training rows, such as {"separator": ";"}
    Raises ConfigError for fields that a monitor does not have, DataError for rows that do not fit the model.
    """
    from hookline.live.monitoring import monitor as watch

    return watch(
        what, data, monitors, since=since, until=until, trust=trust, contract=contract, source=source, home=home
    )


def serve(
    what: str | Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    max_rows: int = ServeOptions.max_rows,
    max_bytes: int = ServeOptions.max_bytes,
    workers: int = 1,
    log: str | Path | bool = True,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    home: str | Path | None = None,
) -> None:
    """Answer predictions over HTTP until interrupted.

    what: as for `load`; port: 0 picks a free one; max_rows, max_bytes: of a request, beyond which it is refused
    workers: processes that answer, of which one that dies is replaced
    log: the folder where answers are recorded; True: `predictions/MODEL` in the home; False: none are
    Raises UnknownName, UsageError, DataError, StoreError or UntrustedPackage where it cannot begin.
    """
    from hookline.live.serving.serving import serve as answer

    options = ServeOptions(host, port, max_rows, max_bytes, workers=workers)
    answer(what, options, log=log, trust=trust, contract=contract, home=home)


def collect(
    name: str, source: str | Path | Mapping[str, Any] | Component, *, home: str | Path | None = None
) -> Collected:
    """Store the rows that came to a source since the last call in `collected/NAME` of the home, each exactly once.

    source: one that reads on, or as for `run`
    Raises UsageError for a source that does not read on, DataError where its columns have changed or rows are lost.
    """
    from hookline.data.collecting import collect as collect_rows
    from hookline.plans.keywords import source_of
    from hookline.registry.registry import load_registry
    from hookline.workspace.workspace import open_workspace

    registry = load_registry()
    return collect_rows(registry, open_workspace(home).home, name, source_of(registry, source))
