"""The Python API: everything the command line does, as functions, with no project or YAML needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.frames import to_polars
from hookline.errors import HooklineError, UsageError
from hookline.kinds.artifacts import ROW_ID, Dataset, Label, Prediction, Roles, Target
from hookline.kinds.component import Component
from hookline.kinds.deployments import Trust
from hookline.kinds.reports import Report
from hookline.kinds.scored import Scored
from hookline.plans.keywords import config_of, source_of
from hookline.runs.result import Run

if TYPE_CHECKING:
    import polars as pl

    from hookline.packages.loading import LoadedPackage
    from hookline.plans.plan import Plan
    from hookline.quality.profile.profile import DataProfile
    from hookline.runs.comparison import Comparison
    from hookline.runs.trace import RowTrace


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


def load(
    what: str | Path,
    *,
    trust: Trust | None = None,
    home: str | Path | None = None,
    contract: str | Path | None = None,
) -> Run | LoadedPackage:
    """Load a run (`"last"`, an id, a folder) or a package (a folder, `"model"`, `"model@alias"`, `"model:3"`).

    contract: a contract file whose word stands above the package's own.
    Raises UnknownName, DataError, StoreError, or UntrustedPackage where loading could run code that `trust` does not allow.
    """
    from hookline.runs.names import load as load_by_name

    said = None if contract is None else Path(contract)
    return load_by_name(what, trust=trust, home=home, contract=said)


def features(model: str | Path, *, home: str | Path | None = None) -> pl.DataFrame:
    """Return a model's features, one a row: name, dtype, inputs, definition, version, importance, share of all importance.

    model: as for `load`; of a run, its first package. Raises UnknownName, DataError or StoreError.
    """
    import polars as pl

    from hookline.packages.features import features_in
    from hookline.runs.names import find
    from hookline.runs.result import load_run

    found = find(model, home)
    folder = load_run(found.folder, None, None).package() if found.is_run else found.folder
    rows = [dataclasses.asdict(record) for record in features_in(folder, found.version)]
    return pl.DataFrame(rows, infer_schema_length=None)


def compare(first: str | Path | Run, second: str | Path | Run, *, trust: Trust | None = None) -> Comparison:
    """Compare two runs on the held-out rows that both were judged by, paired row by row.

    Raises UsageError where these were not the same rows, DataError where the store no longer has them.
    """
    from hookline.data.target import true_values
    from hookline.packages.pipeline import apply_transforms
    from hookline.packages.state import StoredPackage
    from hookline.registry.registry import load_registry
    from hookline.runs.comparison import compare_predictions, judged_by

    runs = [_as_run(run, trust) for run in (first, second)]
    rows = judged_by(*runs)
    stored = StoredPackage(runs[0].package(), load_registry())
    truth = true_values(apply_transforms(stored.transforms, rows.lazy()), stored.target)
    answers = (runs[0].predict(rows), runs[1].predict(rows))
    return compare_predictions(runs[0].id, runs[1].id, stored.target, truth, answers)


def why(
    run: str | Path | Run = "last",
    row: Label | None = None,
    *,
    position: int | None = None,
    home: str | Path | None = None,
) -> RowTrace:
    """Tell what a run did to one row of its source: every transform that dropped or changed it, and the part it landed in.

    row: its value in the id role's column; where the run has no id role, its position from 0
    position: its position, also where there are ids
    Raises DataError where the source has changed since, the row is not there, or what the run fitted is lost.
    """
    from hookline.registry.registry import load_registry
    from hookline.runs.trace import reopen, trace
    from hookline.workspace.workspace import open_workspace

    if (row is None) == (position is None):
        raise UsageError("say which row: either `row` or `position`")
    asked = run if isinstance(run, Run) else load(run, home=home)
    if not isinstance(asked, Run):
        raise UsageError("a package does not know rows, only a run does", hint="`hookline runs list` lists them")
    execution = asked.execution or reopen(load_registry(), open_workspace(home), asked.id, asked.path)
    return trace(execution, asked.evidence, row, position)


def evaluate(model: Any, X: Any, y: Any, *, task: str | None = None) -> Report:
    """Judge a fitted scikit-learn estimator or pipeline on rows it has not seen, with the report that runs get.

    X: what `model.predict` takes, (n_rows, ...); y: labels or numbers, (n_rows,)
    task: classification or regression; by default what the model is for
    """
    import numpy as np

    from hookline.registry.registry import load_registry

    registry = load_registry()
    truth = np.asarray(y)
    classes = getattr(model, "classes_", None)
    if task == "regression" or (task is None and classes is None):
        target = Target(getattr(y, "name", None) or "target", "regression")
        prediction = Prediction(np.asarray(model.predict(X), dtype=np.float64))
    else:
        if classes is None:
            raise UsageError(f"{type(model).__name__} has no classes_, so it is not a fitted classifier")
        labels = tuple(np.asarray(classes).tolist())
        target = Target(getattr(y, "name", None) or "target", "binary" if len(labels) == 2 else "multiclass", labels)
        probabilities = model.predict_proba(X) if hasattr(model, "predict_proba") else None
        prediction = Prediction(np.asarray(model.predict(X)), probabilities, labels)
    standard: Any = registry.build("evaluator", "standard", {}, "evaluator.standard")
    report: Report = standard.evaluate(Scored.of(_rows_of(X, len(truth)), prediction, target, truth))
    return report


def _rows_of(X: Any, rows: int) -> Dataset:
    """Return what a model of somebody's own was asked as rows: a frame's columns; of an array only how many there are."""
    import polars as pl

    frame = to_polars(X).lazy() if hasattr(X, "columns") else pl.LazyFrame({ROW_ID: range(rows)})
    return Dataset(frame, name="rows")


def profile(
    what: Any,
    *,
    target: str | None = None,
    group: str | None = None,
    roles: Roles | Mapping[str, Any] | None = None,
    html: str | Path | None = None,
) -> DataProfile:
    """Measure a table that nobody prepared, and say what is odd about it.

    what: a path, a source's name, a source, or a polars or pandas data frame
    html: a file to write the profile to, as a page
    """
    from hookline.quality.profile.profile import profile_dataset, profile_source, render
    from hookline.registry.registry import load_registry
    from hookline.registry.remedies import add_remedies

    registry = load_registry()
    given = roles if isinstance(roles, Roles) else Roles(**(roles or {}))
    named = given.merged(Roles(target=target, group=group))
    found = what if isinstance(what, (str, Path, Mapping, Component)) else to_polars(what)
    try:
        if isinstance(found, (str, Path, Mapping, Component)):
            made = profile_source(source_of(registry, found), named, registry.remedies)
        else:
            import polars as pl

            held = isinstance(found, pl.DataFrame)
            made = profile_dataset(Dataset(found.lazy(), named, "frame"), {}, registry.remedies, in_memory=held)
    except HooklineError as error:
        add_remedies(error, registry.remedies)
        raise
    if html is not None:
        render(registry, made, Path(html))
    return made


def _as_run(what: str | Path | Run, trust: Trust | None) -> Run:
    run = what if isinstance(what, Run) else load(what, trust=trust)
    if not isinstance(run, Run):
        raise UsageError("a package cannot be compared, only a run", hint="`hookline runs list` lists them")
    return run
