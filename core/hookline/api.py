"""The Python API: everything the command line does, as functions, with no project or YAML needed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .artifacts import Dataset, Label, Prediction, Report, Roles, Target
from .caching import cache_in
from .components import Component, Trust
from .errors import DataError, StoreError, UsageError
from .frames import to_polars
from .keywords import config_of, source_of

if TYPE_CHECKING:
    import polars as pl

    from .comparison import Comparison
    from .packages import LoadedPackage
    from .planning import Plan
    from .registry import Registry
    from .runconfig import RunConfig
    from .runner import Execution
    from .tableprofile import DataProfile
    from .tracing import RowTrace
    from .workspace import Workspace


@dataclass(frozen=True)
class Run:
    """A run that has ended: its numbers, its evidence, and its model.

    Example:
        >>> import hookline as hl
        >>> run = hl.run(source="iris", trainer="logistic_regression")  # doctest: +SKIP
        >>> run.metrics["accuracy"]  # doctest: +SKIP
        0.95
    """

    id: str
    path: Path
    evidence: Mapping[str, Any] = field(repr=False)
    load_predictor: Callable[[], Any] | None = field(default=None, repr=False, compare=False)
    execution: Execution | None = field(default=None, repr=False, compare=False)
    """The run as it was executed, where that was in this process."""

    @cached_property
    def predictor(self) -> Any:
        """The run's own pipeline, or its package; read when it is first asked for. None where the run kept neither."""
        return None if self.load_predictor is None else self.load_predictor()

    @property
    def status(self) -> str:
        """Return finished, gated, pruned, failed or interrupted."""
        return str(self.evidence["run"]["status"])

    @property
    def metrics(self) -> dict[str, float]:
        """The evaluators' metrics by name."""
        reports = [report for report in self.evidence["reports"] if report["kind"] == "evaluator"]
        return {metric["name"]: float(metric["value"]) for report in reports for metric in report["metrics"]}

    @property
    def headline(self) -> float | None:
        """The metric that heads the report."""
        from .evidence import HEADLINES

        return next((self.metrics[name] for name in (*HEADLINES, *self.metrics) if name in self.metrics), None)

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What evaluators and monitors noticed, worst first."""
        found = [finding for report in self.evidence["reports"] for finding in report["findings"]]
        return sorted(found, key=lambda finding: ("critical", "warning", "info").index(finding["severity"]))

    def stages(self) -> pl.DataFrame:
        """Return one row a stage: key, component, status, seconds, why, summary."""
        import polars as pl

        names = ("key", "component", "status", "seconds", "why", "summary")
        return pl.DataFrame([{name: stage[name] for name in names} for stage in self.evidence["plan"]])

    @property
    def cleaning(self) -> pl.DataFrame:
        """Return one row a transform: rows in and out, dropped, added and changed, cells changed, and in which columns."""
        from .cleaning import CleaningEntry, CleaningLedger
        from .codec import from_json

        entries = (from_json(CleaningEntry, entry) for entry in self.evidence.get("cleaning", ()))
        return CleaningLedger(tuple(entries)).frame()

    def predict(self, frame: Any) -> Prediction:
        """Predict raw rows (polars or pandas frame, or a list of mappings) with the run's own pipeline."""
        if self.predictor is None:
            raise UsageError(f"run {self.id} has no model to predict with: it is {self.status}, or kept no package")
        prediction: Prediction = self.predictor.predict(to_polars(frame))
        return prediction

    def package(self, name: str | None = None) -> Path:
        """Return a package's folder by its key in config (default: the first there); raises UsageError if there is none."""
        folders = package_folders(self.path, self.evidence)
        chosen = [folder for folder in folders if name in (None, folder.name)]
        if not chosen:
            known = ", ".join(folder.name for folder in folders) or "none"
            raise UsageError(
                f"run {self.id} has no package '{name or ''}'; there is {known}", hint="add packager=[onnx]"
            )
        return chosen[0]

    @property
    def report(self) -> Path:
        """The path of report.html."""
        return self.path / "report.html"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{escape(name)}</td><td>{value:.4g}</td></tr>" for name, value in self.metrics.items())
        headline = escape(self.evidence["verdict"]["headline"])
        return f"<h4>{headline}</h4><p>run {escape(self.id)}: {escape(self.status)}</p><table>{rows}</table>"


def run(*overrides: str | Sequence[str] | Mapping[str, Any], home: str | Path | None = None, **config: Any) -> Run:
    """Run from Hydra overrides (`hl.run("trainer=ridge", "source=diabetes")`), a mapping, or components and options by keyword.

    By keyword, a component is an object, a name, or a mapping with `component` and its fields; `transform`, `evaluator`,
    `packager` and `monitor` take several; `source` also takes a data frame or a path; `target` is short for `roles`.
    Raises ConfigError, PlanError or DataError before any compute where the fault can be known; else what a stage raises.
    """
    registry = load_registry()
    return run_config(registry, config_of(registry, overrides, config), home=home)


def plan(*overrides: str | Sequence[str] | Mapping[str, Any], **config: Any) -> Plan:
    """Check a config as a whole and return its stages; takes what `run` takes, and runs nothing."""
    from .planning import make_plan

    registry = load_registry()
    return make_plan(registry, config_of(registry, overrides, config))


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
    from .packages import MANIFEST, load_package

    said = None if contract is None else Path(contract)
    folder = Path(what)
    try:
        is_package, is_run = ((folder / name).is_file() for name in (MANIFEST, "evidence.json"))
    except OSError:  # What is too long for a path is none.
        is_package = is_run = False
    if is_package:
        return load_package(folder, load_registry(), trust, said)
    if is_run:
        return _load_run(folder, trust, said)
    workspace = open_workspace(home)
    name = str(what)
    model, number, alias = split_model_name(name)
    if model in {record.name for record in workspace.catalog.models()}:
        record = workspace.catalog.model(model, number or alias)
        return load_package(Path(record.path), load_registry(), trust, said)
    return _load_run(Path(workspace.catalog.run(name).path), trust, said)


def features(model: str | Path, *, home: str | Path | None = None) -> pl.DataFrame:
    """Return a model's features, one a row: name, dtype, inputs, definition, version, importance, share of all importance.

    model: as for `load`; of a run, its first package. Raises UnknownName, DataError or StoreError.
    """
    import polars as pl

    from .feature_records import features_in
    from .packages import MANIFEST

    folder, version = Path(model), None
    if not (folder / MANIFEST).is_file():
        name, number, alias = split_model_name(str(model))
        catalog = open_workspace(home).catalog
        if name in {record.name for record in catalog.models()}:
            record = catalog.model(name, number or alias)
            folder, version = Path(record.path), record.version
        else:
            folder = _load_run(folder if folder.is_dir() else Path(catalog.run(str(model)).path), None, None).package()
    rows = [dataclasses.asdict(record) for record in features_in(folder, version)]
    return pl.DataFrame(rows, infer_schema_length=None)


def compare(first: str | Path | Run, second: str | Path | Run, *, trust: Trust | None = None) -> Comparison:
    """Compare two runs on the held-out rows that both were judged by, paired row by row.

    Raises UsageError where these were not the same rows, DataError where the store no longer has them.
    """
    from .comparison import compare_predictions
    from .packages import read_pipeline

    runs = [_as_run(run, trust) for run in (first, second)]
    rows = _judged_by(*runs)
    nothing: Any = None  # Only the transforms are wanted.
    pipeline = read_pipeline(runs[0].package(), nothing)
    answers = (runs[0].predict(rows), runs[1].predict(rows))
    return compare_predictions(runs[0].id, runs[1].id, pipeline.target, pipeline.truth(rows), answers)


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
    from .tracing import reopen, trace

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
    report: Report = standard.evaluate_predictions(truth, prediction, target, None)
    return report


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
    from .tableprofile import profile_dataset, profile_source, render

    registry = load_registry()
    given = roles if isinstance(roles, Roles) else Roles(**(roles or {}))
    named = given.merged(Roles(target=target, group=group))
    found = what if isinstance(what, (str, Path, Mapping, Component)) else to_polars(what)
    if isinstance(found, (str, Path, Mapping, Component)):
        made = profile_source(source_of(registry, found), named)
    else:
        import polars as pl

        held = isinstance(found, pl.DataFrame)
        made = profile_dataset(Dataset(found.lazy(), named, "frame"), {}, in_memory=held)
    if html is not None:
        render(registry, made, Path(html))
    return made


def load_registry() -> Registry:
    """Load every plugin and return the registry of their components."""
    from .plugins import load_plugins
    from .registry import Registry

    return Registry(load_plugins())


def open_workspace(home: str | Path | None = None) -> Workspace:
    """Open the workspace: runs, models, store and catalog."""
    from .config import home as default_home
    from .workspace import Workspace

    return Workspace.open(Path(home).absolute() if home else default_home())


def run_config(
    registry: Registry, config: RunConfig, *, home: str | Path | None = None, folder: Path | None = None
) -> Run:
    """Plan and execute a resolved config in a folder of its own."""
    from .config import home as default_home
    from .config import new_run_id, run_id_of
    from .planning import make_plan
    from .runner import execute
    from .running import pipeline_of

    with cache_in((Path(home).absolute() if home else default_home()) / "cache"):
        planned = make_plan(registry, config)
    workspace = open_workspace(home)
    run_id = run_id_of(folder) if folder else new_run_id()
    done = execute(planned, registry, workspace, run_id, folder or workspace.home / "runs" / run_id)
    return Run(run_id, done.info.path, done.info.evidence, partial(pipeline_of, done), done)


def split_model_name(text: str) -> tuple[str, int | None, str | None]:
    """Split `model`, `model:3` or `model@alias` into name, version and alias."""
    name, at, alias = text.partition("@")
    if at:
        return name, None, alias
    name, colon, number = text.partition(":")
    return (name, int(number), None) if colon and number.isdigit() else (text, None, None)


def _as_run(what: str | Path | Run, trust: Trust | None) -> Run:
    run = what if isinstance(what, Run) else load(what, trust=trust)
    if not isinstance(run, Run):
        raise UsageError("a package cannot be compared, only a run", hint="`hookline runs list` lists them")
    return run


def _judged_by(first: Run, second: Run) -> pl.DataFrame:
    """Return the raw held-out rows of two runs, with the truth."""
    import polars as pl

    splits = [
        next(stage["fingerprint"] for stage in run.evidence["plan"] if stage["kind"] == "split")
        for run in (first, second)
    ]
    if splits[0] != splits[1]:
        raise UsageError(
            f"runs {first.id} and {second.id} were judged by different rows",
            hint="give both the same source, transforms before the split, split and seed",
        )
    folder = open_workspace().store.get(splits[0])
    if folder is None:
        raise DataError("the rows are no longer in the store", hint=f"run {first.id} again, then compare")
    return pl.read_ipc(folder / "test.arrow")


def package_folders(folder: Path, evidence: Mapping[str, Any]) -> list[Path]:
    """Return the packages in a run's folder, in the order of its config."""
    keys = [stage["key"].partition(".")[2] for stage in evidence["plan"] if stage["kind"] == "packager"]
    return [folder / "packages" / key for key in keys if (folder / "packages" / key).is_dir()]


def read_evidence(folder: Path) -> dict[str, Any]:
    """Return the evidence in a run's folder; raises DataError where there is none, StoreError where it is damaged."""
    path = folder / "evidence.json"
    try:
        evidence: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return {**evidence, "run": evidence["run"], "plan": evidence["plan"]}
    except FileNotFoundError:
        why = "it was killed before it ended" if folder.is_dir() else f"its folder {folder} is gone"
        raise DataError(
            f"run {folder.name} left no evidence: {why}", hint="run it again; what it computed is kept"
        ) from None
    except (ValueError, LookupError, TypeError) as error:
        raise StoreError(f"{path} is damaged: {error}", hint="run it again; what it computed is kept") from None


def _load_run(folder: Path, trust: Trust | None, contract: Path | None) -> Run:
    from .packages import load_package

    evidence = read_evidence(folder)
    packages = package_folders(folder, evidence)

    def predictor() -> LoadedPackage:
        return load_package(packages[0], load_registry(), trust, contract)

    return Run(evidence["run"]["id"], folder, evidence, predictor if packages else None)
