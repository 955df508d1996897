"""What each kind of stage does: how its output is made, and told in a few words."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from .checkpoints import checkpoints_in
from .cleaning import CleaningLedger, counted
from .components import FittedTransform, Model
from .contract import RuleCheck, batches_of, check_rows
from .deploying import deploy
from .errors import DataError, Problem, Pruned
from .frames import UNREADABLE_HINT, count_rows, hold, mark_missing, require_names, require_role_types
from .moves import Move
from .pipeline import apply_transforms, encode, true_values
from .planning import Knowledge, Stage
from .profiling import profile
from .running import Running, fitted_in, pipeline_of
from .schema import infer_kinds, infer_schema
from .steps import steps_in
from .targets import check_task, target_of

if TYPE_CHECKING:
    import polars as pl


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
        return ", ".join([*shown, *([counted(len(value.findings), "finding")] if value.findings else [])])
    if isinstance(value, CleaningLedger):
        return value.summary
    if isinstance(value, Package):
        size = sum(path.stat().st_size for path in value.path.rglob("*") if path.is_file())
        return f"{value.format}, {size / 1024:,.0f} KiB"
    if isinstance(value, Deployment):
        return ", ".join(f"{alias} -> {value.model} v{version}" for alias, version in value.aliases.items())
    return ""


def dataset_moves(run: Running) -> list[Move]:
    """Return the transforms before the split, ready to be applied to the source's rows."""
    found = [stage for stage in run.plan.of("transform") if stage.applies == "dataset"]
    return [Move(stage.key, stage.name, stage.applies, partial(_fit_to, run, stage)) for stage in found]


def fitted_moves(run: Running) -> list[Move]:
    """Return the transforms after the split, as they were fitted."""
    found = [(stage, run.value(stage.key)) for stage in run.plan.fitted_transforms()]
    return [Move(stage.key, stage.name, stage.applies, partial(_as_fitted, fitted)) for stage, fitted in found]


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
    if run.scratch and any(other.applies == "dataset" for other in run.plan.of("transform")):
        # Read several times: by those transforms, for the version of the data, and for the ledger.
        problem = f"the rows of {loaded.name} cannot be read"
        with run.workspace.store.clear_errors():
            frame = hold(frame, run.scratch / "source.arrow", problem, UNREADABLE_HINT)
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
    earlier = fitted_in(run, "training", "always", until=stage.key)
    return _component(stage).fit(train.with_frame(apply_transforms(earlier, train.frame)))


def _target(run: Running, stage: Stage) -> Target:
    import polars as pl

    split: Split = run.value("split")
    name = str(run.plan.roles.target)
    always = fitted_in(run, "always")
    parts = [part.frame for part in (split.train, split.valid, split.test) if part]
    labels = pl.concat([apply_transforms(always, part).select(name) for part in parts])
    task = run.plan.config.options.task
    target = target_of(labels, name, task)
    check_task(target, task, (*run.plan.of("trainer"), *run.plan.of("evaluator")))
    return target


def _fit_featurizer(run: Running, stage: Stage) -> Any:
    return _component(stage).fit(_train_rows(run))


def _features(run: Running, stage: Stage) -> tuple[Features, Features | None]:
    featurizer = run.plan.of("featurizer")[0]
    fitted, split = run.value(featurizer.key), run.value("split")
    train = _train_rows(run)
    made = _component(featurizer).transform_train(fitted, train)
    valid = None
    if split.valid is not None:
        rows = split.valid.with_frame(apply_transforms(fitted_in(run, "always"), split.valid.frame))
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
    always = fitted_in(run, "always")
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
    reference = Reference(knowledge.profile, split.train, time=split.train.roles.time)
    report: Report = _component(stage).check(split.test, reference)
    return report


def _train_rows(run: Running) -> Dataset:
    train: Dataset = run.value("split").train
    frame = apply_transforms(fitted_in(run, "training", "always"), train.frame)
    return replace(train, frame=frame, target=run.value("target"))


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
    "deployer": deploy,
}
"""Stage kind -> how its output is made."""
