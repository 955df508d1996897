"""What each kind of stage does: how its output is made, and told in a few words."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .artifacts import (
    ROW_ID,
    Column,
    Dataset,
    Deployment,
    Features,
    Finding,
    Metric,
    Package,
    Reference,
    Report,
    Schema,
    Split,
    Target,
    require_columns,
)
from .audit import audit
from .capabilities import AnswersAsServed
from .certificate import CERTIFICATE, SERVED_ROWS, certify_served, plain_certificate, require_agreement
from .checkpoints import checkpoints_in
from .cleaning import CleaningLedger, Move
from .components import FittedTransform, Model, Trust
from .contract import RuleCheck, batches_of, check_rows
from .edges import SAMPLE_ROWS, EdgeRows, make_edges
from .errors import DataError, Problem, Pruned
from .frames import mark_missing, require_names, require_role_types
from .pipeline import FittedStage, Pipeline, apply_transforms, encode, true_values
from .planning import Knowledge, Plan, Stage
from .profiling import profile
from .schema import infer_kinds, infer_schema
from .split import MAX_CLASSES, is_label
from .steps import Curve, steps_in

if TYPE_CHECKING:
    import polars as pl

    from .hookspecs import RunInfo
    from .workspace import Workspace


IMPORTANCES = "importances.json"
CURVE = "curve.json"
LARGEST = 1e150
"""The largest number that may be predicted: sums of squared errors must be numbers too."""


class Running(Protocol):
    """What a stage may ask of the run that it is part of."""

    @property
    def plan(self) -> Plan:
        """Its stages."""
        ...

    @property
    def workspace(self) -> Workspace:
        """Where it keeps things."""
        ...

    @property
    def info(self) -> RunInfo:
        """What lifecycle hooks see of it."""
        ...

    @property
    def curve(self) -> Curve:
        """The steps that its trainer reports."""
        ...

    def value(self, key: str) -> Any:
        """Return another stage's output."""
        ...


def make(run: Running, stage: Stage) -> Any:
    """Make a stage's output."""
    return MAKERS[_maker(stage)](run, stage)


def summarize(value: Any) -> str:
    """Say in a few words what came out of a stage."""
    if isinstance(value, Split):
        rows = {"train": value.train, "valid": value.valid, "test": value.test}
        return ", ".join(f"{count_rows(part.frame):,} {name}" for name, part in rows.items() if part) + " rows"
    if isinstance(value, Target):
        classes = f", {len(value.classes)} classes" if value.classes else ""
        return f"{value.task} target '{value.name}'{classes}"
    if isinstance(value, tuple) and value and isinstance(value[0], Features):
        return "{:,} x {:,} matrix".format(*value[0].shape)
    if isinstance(value, Report):
        shown = [f"{m.name} {m.value:.4g}" for m in value.metrics[:2]]
        return ", ".join([*shown, *([f"{len(value.findings)} findings"] if value.findings else [])])
    if isinstance(value, CleaningLedger):
        return value.summary
    if isinstance(value, Package):
        size = sum(path.stat().st_size for path in value.path.rglob("*") if path.is_file())
        return f"{value.format}, {size / 1024:,.0f} KiB"
    if isinstance(value, Deployment):
        return ", ".join(f"{alias} -> {value.model} v{version}" for alias, version in value.aliases.items())
    return ""


def count_rows(frame: pl.LazyFrame) -> int:
    """Count a lazy frame's rows."""
    import polars as pl

    return int(frame.select(pl.len()).collect().item())


def pipeline_of(run: Running) -> Pipeline[Any]:
    """Put the fitted parts of a run together."""
    knowledge: Knowledge = run.value("knowledge")
    featurizer = run.plan.of("featurizer")[0]
    return Pipeline(
        knowledge.schema,
        run.plan.roles,
        run.value("target"),
        _fitted(run, "always"),
        FittedStage(featurizer.key, featurizer.name, run.value(featurizer.key)),
        run.value(run.plan.of("trainer")[0].key),
    )


def dataset_moves(run: Running) -> list[Move]:
    """Return the transforms before the split, ready to be applied to the source's rows."""
    found = [stage for stage in run.plan.of("transform") if stage.applies == "dataset"]
    return [Move(stage.key, stage.name, stage.applies, partial(_fit_to, run, stage)) for stage in found]


def fitted_moves(run: Running) -> list[Move]:
    """Return the transforms after the split, as they were fitted."""
    found = [(stage, run.value(stage.key)) for stage in run.plan.fitted_transforms()]
    return [Move(stage.key, stage.name, stage.applies, partial(_as_fitted, fitted)) for stage, fitted in found]


def edges_of(run: Running, pipeline: Pipeline[Any]) -> EdgeRows:
    """Return generated rows at the edges of what a pipeline may be asked, the same ones in every stage of a run."""
    train = run.value("split").train.frame.head(SAMPLE_ROWS).collect()
    return make_edges(pipeline, train, run.plan.config.options.seed)


def importances_of(run: Running) -> dict[str, float]:
    """Return feature name -> importance, without reading the model, whose library may take seconds to import."""
    trainer = run.plan.of("trainer")[0]
    folder = run.workspace.store.get(trainer.fingerprint)
    if folder is None:
        return dict(run.value(trainer.key).importances())
    found: dict[str, float] = json.loads((folder / IMPORTANCES).read_text("utf-8"))
    return found


def learning_of(run: Running) -> dict[str, Any] | None:
    """Return the curve that the trainer reported, in this run or in the one that left its model in the store."""
    if run.curve.points:
        return run.curve.plain()
    folder = run.workspace.store.get(run.plan.of("trainer")[0].fingerprint)
    if folder is None or not (folder / CURVE).is_file():
        return None
    found: dict[str, Any] = json.loads((folder / CURVE).read_text("utf-8"))
    return found


def deployed_version(run: Running, stage: Stage) -> int:
    """Return the model version that a deployer's stage put in charge."""
    deployment: Deployment = run.value(stage.key)
    return max(route.version for route in deployment.routes)


def _maker(stage: Stage) -> str:
    return f"dataset {stage.kind}" if stage.applies == "dataset" else stage.kind


def _source(run: Running, stage: Stage) -> Dataset:
    import polars as pl

    loaded: Dataset = _component(stage).load()
    roles = run.plan.roles
    schema = loaded.frame.collect_schema()
    named = (roles.target, roles.id, roles.time, roles.weight, roles.group, *roles.ignore)
    require_columns([name for name in named if name], schema.names(), "roles")
    require_names(schema.names())
    require_role_types(roles, schema)
    frame = (
        mark_missing(loaded.frame).drop(roles.ignore).with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64))
    )
    return Dataset(frame, roles, loaded.name)


def _dataset_transform(run: Running, stage: Stage) -> Dataset:
    dataset: Dataset = run.value(stage.inputs[0])
    return dataset.with_frame(_component(stage).fit(dataset).transform(dataset.frame))


def _fit_to(run: Running, stage: Stage, frame: pl.LazyFrame) -> FittedTransform:
    source: Dataset = run.value(run.plan.of("source")[0].key)
    fitted: FittedTransform = _component(stage).fit(source.with_frame(frame))
    return fitted


def _as_fitted(fitted: FittedTransform, frame: pl.LazyFrame) -> FittedTransform:
    return fitted


def _knowledge(run: Running, stage: Stage) -> Knowledge:
    train = run.value("split").train
    names = train.feature_columns()
    if not names:
        raise DataError(
            "there is no feature column: every column has a role", hint="see roles in `hookline run --cfg job`"
        )
    schema = _under_contract(run, infer_schema(train.frame, names))
    return Knowledge(schema, profile(train.frame, [*names, train.roles.target]))


def _under_contract(run: Running, schema: Schema) -> Schema:
    """Lay a person's contract over what was inferred."""
    contract = run.plan.contract
    if contract is None:
        return schema
    rejecting = [name for name in contract.rejecting() if name in schema.names]
    if rejecting:
        # What such a column leaves to be inferred goes by every row: none that is evaluated may be one to refuse.
        whole = infer_schema(_parts(run), rejecting)
        schema = Schema(tuple(whole[c.name] if c.name in rejecting else c for c in schema.columns))
    return contract.over(schema, "the data have")


def _parts(run: Running) -> pl.LazyFrame:
    """Return the rows of every part of the split."""
    import polars as pl

    split: Split = run.value("split")
    return pl.concat([part.frame for part in (split.train, split.valid, split.test) if part])


def _contract(run: Running, stage: Stage) -> Report:
    """Check every row against what a person's contract says itself; raises DataError for what it rejects."""
    contract = run.plan.contract
    assert contract is not None
    train = run.value("split").train
    kinds = infer_kinds(train.frame, train.feature_columns())
    bare = Schema(tuple(Column(name, repr(dtype), kind) for name, (dtype, kind) in kinds.items()))
    named = [column for column in contract.over(bare, "the data have").columns if column.stated]
    checked = check_rows(batches_of(_parts(run)), Schema(tuple(named)))
    if checked.rejected:
        problems = [Problem(check.column, check.told(checked.rows)) for check in checked.rejected]
        raise DataError(f"the data break the contract {contract.path}", problems, hint=CONTRACT_HINT)
    metrics = (Metric("contract_violations", sum(check.count for check in checked.warned), greater_is_better=False),)
    return Report(
        "Contract", metrics, findings=tuple(_contract_finding(check, checked.rows) for check in checked.warned)
    )


CONTRACT_HINT = "filter the rows with transform=[filter_rows], mend them at the source, or change the contract"


def _contract_finding(check: RuleCheck, rows: int) -> Finding:
    said = f"{check.column}: {check.told(rows)}"
    return Finding(check.column, f"contract_{check.rule}", check.count / rows, 0.0, "warning", said)


def _fit_transform(run: Running, stage: Stage) -> Any:
    train = run.value("split").train
    earlier = _fitted(run, "training", "always", until=stage.key)
    return _component(stage).fit(train.with_frame(apply_transforms(earlier, train.frame)))


def _target(run: Running, stage: Stage) -> Target:
    import polars as pl

    split: Split = run.value("split")
    name = str(run.plan.roles.target)
    always = _fitted(run, "always")
    parts = [part.frame for part in (split.train, split.valid, split.test) if part]
    labels = pl.concat([apply_transforms(always, part).select(name) for part in parts])
    task = run.plan.config.options.task
    if task == "regression" or (task == "auto" and not is_label(labels, name)):
        target = Target(name, "regression")
        _require_numbers(labels, name)
    else:
        target = _class_target(labels, name)
    _check_task(run, target)
    return target


def _class_target(labels: pl.LazyFrame, name: str) -> Target:
    import polars as pl

    if labels.collect_schema()[name].is_temporal():
        raise DataError(
            f"the target '{name}' is a time, which is neither a class nor a number",
            hint="add transform=[cast], or predict something of it",
        )
    # A class whose label met a missing value or a table format on the way may have become 1.0; it is still the label 1.
    column = labels.select(pl.col(name).drop_nulls().unique().sort()).collect()[name]
    if column.dtype.is_float() and (column == column.round()).all():
        column = column.cast(pl.Int64)
    classes = tuple(column.cast(pl.String).to_list() if column.dtype in (pl.Categorical, pl.Enum) else column.to_list())
    if len(classes) < 2:
        raise _constant(name, *classes)
    if len(classes) > MAX_CLASSES and len(classes) == count_rows(labels.drop_nulls()):
        raise DataError(
            f"the target '{name}' has a value of its own in every row, so it is no class",
            hint="name another target, or make it a number: source.dtypes, transform=[cast] or task=regression",
        )
    return Target(name, "binary" if len(classes) == 2 else "multiclass", classes)


def _require_numbers(labels: pl.LazyFrame, name: str) -> None:
    import polars as pl

    if not labels.collect_schema()[name].is_numeric():
        raise DataError(f"task=regression, but the target '{name}' does not hold numbers")
    value = pl.col(name).cast(pl.Float64)
    facts = {"infinite": (~value.is_finite()).sum(), "low": value.min(), "high": value.max()}
    found = labels.select(**facts).collect().row(0, named=True)
    if found["infinite"]:
        raise DataError(f"the target '{name}' is infinite or not a number in {found['infinite']} rows")
    extreme = max(-(found["low"] or 0.0), found["high"] or 0.0)
    if extreme > LARGEST:
        raise DataError(
            f"the target '{name}' holds numbers beyond {LARGEST:g}, whose squares no float64 holds",
            hint="scale it at the source",
        )
    if labels.collect_schema()[name].is_integer() and extreme > 2**53:
        raise DataError(
            f"the target '{name}' holds whole numbers beyond 2^53, which float64 cannot tell from their neighbors",
            hint="take a constant off it, or scale it, at the source",
        )
    if found["low"] == found["high"]:
        raise _constant(name, *([] if found["low"] is None else [found["low"]]))


def _constant(name: str, *value: object) -> DataError:
    told = f"has one value only, {value[0]!r}" if value else "is missing everywhere"
    return DataError(f"the target '{name}' {told}", hint="there is nothing to learn; is it the right column?")


def _check_task(run: Running, target: Target) -> None:
    asked = run.plan.config.options.task
    if asked not in ("auto", target.task) and not (asked == "multiclass" and target.task == "binary"):
        raise DataError(f"task={asked}, but the target '{target.name}' has {len(target.classes)} classes")
    for stage in (*run.plan.of("trainer"), *run.plan.of("evaluator")):
        tasks = _component(stage).tasks
        if target.task not in tasks:
            raise DataError(
                f"{stage.kind} '{stage.name}' is for {' or '.join(sorted(tasks))}, "
                f"but the target '{target.name}' calls for {target.task}",
                hint="choose another, or say what is meant with task=...",
            )


def _fit_featurizer(run: Running, stage: Stage) -> Any:
    return _component(stage).fit(_train_rows(run))


def _features(run: Running, stage: Stage) -> tuple[Features, Features | None]:
    featurizer = run.plan.of("featurizer")[0]
    fitted, split = run.value(featurizer.key), run.value("split")
    train = _train_rows(run)
    made = _component(featurizer).transform_train(fitted, train)
    valid = None
    if split.valid is not None:
        rows = split.valid.with_frame(apply_transforms(_fitted(run, "always"), split.valid.frame))
        valid = _complete(fitted.transform(rows.frame), rows, train.target)
    return _complete(made, train, train.target), valid


def _complete(features: Features, rows: Dataset, target: Target | None) -> Features:
    """Add what belongs to the rows of a design matrix: y, ids and weights."""
    import polars as pl

    assert target is not None
    y = encode(true_values(rows.frame, target), target)
    weight = rows.roles.weight
    columns = rows.frame.select(
        [ROW_ID, *([pl.col(weight).cast(pl.Float64).alias("weight")] if weight else [])]
    ).collect()
    weights = columns["weight"].to_numpy() if weight else None
    if weights is not None and (not (weights >= 0).all() or not weights.sum() > 0):
        raise DataError(f"the weights in '{weight}' must be present, none negative, and not all zero")
    return replace(features, y=y, row_ids=columns[ROW_ID].to_numpy(), sample_weight=weights, target=target)


def _fit_model(run: Running, stage: Stage) -> Model:
    train, valid = run.value("features")
    folder = run.workspace.home / "checkpoints" / stage.fingerprint[:32]
    try:
        with checkpoints_in(folder), steps_in(run.curve):
            model: Model = _component(stage).fit(train, valid)
    except Pruned:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return model


def _audit(run: Running, stage: Stage) -> Report:
    split: Split = run.value("split")
    target: Target = run.value("target")
    always = _fitted(run, "always")
    labels = [
        apply_transforms(always, part.frame).select(target.name).collect()[target.name]
        for part in (split.train, split.test)
    ]
    return audit(split, target, labels, run.plan.config.options.audit_allow)


def _evaluate(run: Running, stage: Stage) -> Report:
    report: Report = _component(stage).evaluate(pipeline_of(run), run.value("split").test)
    return report


def _monitor(run: Running, stage: Stage) -> Report:
    split: Split = run.value("split")
    knowledge: Knowledge = run.value("knowledge")
    report: Report = _component(stage).check(split.test, Reference(knowledge.profile, split.train))
    return report


def _deploy(run: Running, stage: Stage) -> Deployment:
    catalog = run.workspace.catalog
    package: Package = run.value(stage.inputs[0])
    _check_served(run, stage, package)
    fingerprint = run.plan[stage.inputs[0]].fingerprint
    path = run.workspace.home / "models" / run.info.name / fingerprint[:16]
    if not path.exists():
        temporary = path.with_name(f".{path.name}.{run.info.id}")
        try:
            shutil.copytree(package.path, temporary, ignore=shutil.ignore_patterns("entry.json"))
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        try:
            temporary.rename(path)
        except OSError:
            # Another run of the same package was first; its copy is as good.
            shutil.rmtree(temporary)
            if not path.exists():
                raise
    metrics = {m.name: m.value for s in run.plan.of("evaluator") for m in run.value(s.key).metrics}
    version = catalog.register_model(run.info.name, run.info.id, str(path), package.format, metrics, fingerprint)
    _record_features(run)
    current = catalog.current_deployment(run.info.name)
    deployment: Deployment = _component(stage).deploy(replace(package, path=path, version=version), current)
    if deployment != current:
        catalog.record_deployment(deployment, f"run {run.info.id}")
    return deployment


def served_folder(run: Running, stage: Stage) -> Path | None:
    """Return where the store keeps the certificate of a deployer's answers for the run's package, where it does."""
    folder: Path | None = run.workspace.store.get(_served_key(run, stage))
    return folder


def _served_key(run: Running, stage: Stage) -> str:
    # The package and the deployer's code decide, and not the model's name.
    parts = [run.plan[stage.inputs[0]].fingerprint, stage.parts["code"], stage.parts["versions"], stage.parts["fields"]]
    return hashlib.sha256(json.dumps(["served", *parts]).encode()).hexdigest()


def _check_served(run: Running, stage: Stage, package: Package) -> None:
    """Ask a deployer as a client would, once for each package; raises ExportError where it answers otherwise."""
    deployer: Any = stage.component
    if not isinstance(deployer, AnswersAsServed) or served_folder(run, stage) is not None:
        return
    packager: Any = run.plan[stage.inputs[0]].component
    packaged = packager.load(package.path, Trust(everything=True))
    held_out = run.value("split").test.frame.head(SERVED_ROWS).collect()
    edges = edges_of(run, pipeline_of(run))
    certificate = certify_served(deployer, stage.name, packaged, packager.tolerance, held_out, edges)
    require_agreement(certificate, f"deployer '{stage.name}'", "nothing was registered; see the rows above")
    plain = json.dumps(plain_certificate(certificate))
    note = {"stage": "served", "component": stage.name}
    store = run.workspace.store
    store.put(_served_key(run, stage), lambda path: _write_text(path / CERTIFICATE, plain), note=note)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def _record_features(run: Running) -> None:
    fitted = run.value(run.plan.of("featurizer")[0].key)
    run.workspace.catalog.record_features(run.info.id, fitted.features, importances_of(run))


def _train_rows(run: Running) -> Dataset:
    train: Dataset = run.value("split").train
    frame = apply_transforms(_fitted(run, "training", "always"), train.frame)
    return replace(train, frame=frame, target=run.value("target"))


def _fitted(run: Running, *scopes: str, until: str | None = None) -> tuple[FittedStage, ...]:
    found = []
    for stage in run.plan.fitted_transforms():
        if stage.key == until:
            break
        if stage.applies in scopes:
            found.append(FittedStage(stage.key, stage.name, run.value(stage.key)))
    return tuple(found)


def _component(stage: Stage) -> Any:
    return stage.component


@lru_cache(maxsize=1)
def environment() -> Mapping[str, Any]:
    """Return Python, platform and the version of every installed distribution."""
    import platform

    from .version import __version__

    # By the names of their folders: importlib.metadata would read a file of each, which takes longer than a cached run.
    infos = [
        info.name.removesuffix(".dist-info") for folder in sys.path for info in Path(folder or ".").glob("*.dist-info")
    ]
    packages = {name.replace("_", "-"): version for name, _, version in (info.rpartition("-") for info in infos)}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "hookline": __version__,
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


MAKERS: Mapping[str, Callable[[Running, Stage], Any]] = {
    "source": _source,
    "dataset transform": _dataset_transform,
    "knowledge": _knowledge,
    "contract": _contract,
    "transform": _fit_transform,
    "target": _target,
    "audit": _audit,
    "featurizer": _fit_featurizer,
    "features": _features,
    "trainer": _fit_model,
    "evaluator": _evaluate,
    "monitor": _monitor,
    "deployer": _deploy,
}
"""Stage kind -> how its output is made."""
