"""Which module makes, writes and reads each kind of stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hookline.data.cleaning.ledger import CleaningLedger, counted
from hookline.data.frames import (
    count_rows,
)
from hookline.kinds.artifacts import Features, Split, Target
from hookline.kinds.deployments import Deployment, Package
from hookline.kinds.reports import Report
from hookline.plans.plan import Stage

from .. import outputs
from ..execution import Running
from .deploying import deploy
from .judging import make_audit, make_evaluate, make_monitor
from .knowledge import make_contract, make_knowledge
from .packaging import write_package
from .rows import (
    fit_transform,
    make_dataset_transform,
    make_source,
    read_split_back,
    write_ledger,
    write_split,
)
from .training import fit_featurizer, fit_model, make_features, make_target, model_class, write_curve, write_model


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


def _maker(stage: Stage) -> str:
    return f"dataset {stage.kind}" if stage.applies == "dataset" else stage.kind


MAKERS: Mapping[str, Callable[[Running, Stage], Any]] = {
    "source": make_source,
    "dataset transform": make_dataset_transform,
    "knowledge": make_knowledge,
    "contract": make_contract,
    "transform": fit_transform,
    "target": make_target,
    "audit": make_audit,
    "featurizer": fit_featurizer,
    "features": make_features,
    "trainer": fit_model,
    "evaluator": make_evaluate,
    "monitor": make_monitor,
    "deployer": deploy,
}
"""Stage kind -> how its output is made."""


def write(run: Running, stage: Stage, folder: Path) -> None:
    """Make a stage's output and write it into an empty folder."""
    if stage.kind == "split":
        write_split(run, stage, folder)
    elif stage.kind == "cleaning":
        write_ledger(run, folder)
    elif stage.kind == "packager":
        write_package(run, stage, folder)
    else:
        value = make(run, stage)
        if stage.kind == "trainer":
            write_model(value, folder)
            write_curve(run, folder)
        outputs.write(value, folder)


def read(run: Running, stage: Stage, folder: Path) -> Any:
    """Read a stage's output back."""
    if stage.kind == "split":
        return read_split_back(run, folder)
    if stage.kind == "packager":
        return Package(folder, stage.name, run.info.name)
    if stage.kind == "trainer":
        return outputs.read(model_class(stage, folder), folder)
    return outputs.read(tuple if stage.kind == "features" else stage.makes, folder)
