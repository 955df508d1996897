"""The stages of a run made again from all of its rows, as an execution beside the run; what it decides by stays."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from hookline.data.frames import count_rows
from hookline.data.split import SplitFacts
from hookline.errors import DataError
from hookline.kinds.artifacts import Dataset
from hookline.plans.explain import explain
from hookline.plans.layout import make_plan
from hookline.plans.plan import Stage, every

from ..execution import Execution, StageKind
from ..parts import RULES
from ..result import Run
from ..stages import contract, features, knowledge, rows, target, trainer
from ..stages.split import divided_by, write_facts

FITTED = ("source", "transform", "split", "featurizer", "trainer")
"""Kinds of stages by which a run is what it was."""


def refitted(past: Execution, run: Run, rules: dict[str, Any]) -> Execution:
    """Return an execution whose training rows are all rows of a finished run; nothing of it has run yet.

    Transforms, featurizers and model are fitted anew, with the run's own fields and seed. There are no validation rows, so a
    trainer that stops on some takes its own.

    past: the run as it stood; rules: each of `RULES` -> what the run chose, or None; they stay as they are
    Raises DataError where the run would no longer be what it was, as its rows were given to what it claims.
    """
    _require_unchanged(past, run)
    first = (rows.SOURCE, rows.BEFORE_SPLIT, _whole(past), knowledge.STAGE, contract.STAGE, rows.AFTER_SPLIT)
    sequence = (*first, target.STAGE, features.FEATURIZER, features.FEATURES, trainer.STAGE, *_kept(rules))
    plan = make_plan(past.registry, past.plan.config, sequence)
    return Execution(plan, past.workspace, past.registry, past.info)


def _require_unchanged(past: Execution, run: Run) -> None:
    before = {stage["key"]: stage["fingerprint"] for stage in run.evidence["plan"]}
    for stage in past.plan.stages:
        if stage.kind in FITTED and stage.fingerprint != before.get(stage.key):
            why = explain(stage, past.workspace.catalog.runs.stage_parts(run.id, stage.key))
            raise DataError(
                f"run {run.id} is no longer what it was, so what it measured is of another model: {stage.key}: {why}",
                hint="run it again, and refit that run",
            )


def _whole(past: Execution) -> StageKind:
    """Return a split of which every row is a training row; held out, for what must ask rows, stay those that the run held out."""

    def write(run: Execution, stage: Stage, folder: Path) -> None:
        import polars as pl

        dataset: Dataset = run.value(stage.inputs[0])
        options, held_out = run.plan.config.options.split, past.value("split")
        # What says the part is no feature.
        frame = dataset.frame.drop(str(options.column)) if held_out.method == "column" else dataset.frame
        frame.sink_ipc(folder / "train.arrow")
        held_out.test.frame.sink_ipc(folder / "test.arrow")
        counts = {name: count_rows(pl.scan_ipc(folder / f"{name}.arrow", glob=False)) for name in ("train", "test")}
        known = SplitFacts(dataset.name, held_out.method, {**counts, "valid": 0}, held_out.version)
        write_facts(known, folder)

    parts = {"of": past.plan["split"].fingerprint}
    return divided_by(write, parts, __name__)


def _kept(rules: dict[str, Any]) -> Iterator[StageKind]:
    """Yield stages that say what the run chose, which nothing here was left out to choose again."""
    for key in RULES:
        if (rule := rules[key]) is not None:
            yield StageKind(
                kind=key,
                module=__name__,
                takes=every("trainer"),
                makes=type(rule),
                make=partial(_said, rule),
                persisted=False,
            )


def _said(rule: Any, run: Execution, stage: Stage) -> Any:
    return rule
