"""The stage that fits and judges a model a fold, and tells their mean, their spread, and each of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.errors import HooklineError
from hookline.kinds.artifacts import Roles
from hookline.kinds.capabilities import measured_by
from hookline.kinds.hooks import StageInfo
from hookline.kinds.kinds import Evaluator
from hookline.kinds.reports import Metrics, Report
from hookline.packages.deciding.options import DecisionOptions, IntervalOptions, SetOptions
from hookline.plans.config import RunConfig
from hookline.plans.layout import make_plan
from hookline.plans.placing.components import Placed
from hookline.plans.plan import Meant, every

from ...execution import Execution, StageKind
from ...parts import metrics_of
from ..judging import PLAIN
from ..split import facts_of
from .rows import TrainingRows
from .telling import Fold, report_of

if TYPE_CHECKING:
    from hookline.plans.plan import Plan, Stage

INNER = frozenset({"source", "contract", "features", "wish", "decision", "evaluator", *PLAIN})
"""Kinds of the stages that each fold has of its own."""
TAKES = every(*PLAIN, "contract", "wish", "decision", "evaluator")
"""What stands before a stage that fits and judges the whole pipeline again."""
FITTED = ("knowledge", "featurizer", "trainer")


def _make(run: Execution, stage: Stage) -> Report:
    """Fit and judge a model a fold, one after another; a fold's stages are kept in the store, so a killed run goes on."""
    split = run.plan.config.options.split
    assert split.folds is not None
    return report_of([_fold(run, stage, number) for number in range(split.folds * split.repeats)], split.folds)


def _fold(run: Execution, stage: Stage, number: int) -> Fold:
    """Fit and judge one fold; nothing of it stays in memory but its figures."""
    split = run.plan.config.options.split
    count = (split.folds or 0) * split.repeats
    inner = inner_of(run, number, settled(run))
    here = StageInfo(f"fold {number + 1}/{count}", stage.name, len(run.told) + 1, len(run.plan.stages))
    cached = all(inner.is_stored(one) for one in inner.plan.of("evaluator"))
    run.registry.tell("before_stage", run=run.info, stage=here)
    started = time.perf_counter()
    try:
        found = metrics_of(inner)
        rows = facts_of(inner).rows
    except HooklineError as error:
        error.message = f"fold {number + 1} of {count}: {error.message}"
        raise
    told = replace(
        here, status="cached" if cached else "ran", seconds=time.perf_counter() - started, summary=_in_words(found)
    )
    run.registry.tell("after_stage", run=run.info, stage=told)
    return Fold(number, rows["train"], rows["test"], found)


def _in_words(found: Metrics) -> str:
    head = found.headline()
    return "" if head is None else f"{head.name} {head.value:.4g}"


def settled(run: Execution) -> DecisionOptions:
    """Return how each fold decides: as config says, or by what was chosen on all folds; never on folds of its own."""
    options: DecisionOptions = run.plan.config.options.decision
    if options.chosen_on != "folds":
        return options
    rule, target = run.value("decision") if run.plan.of("decision") else None, run.value("target")
    if rule is None or rule.threshold is None:
        return replace(options, chosen_on="validation")
    return DecisionOptions(threshold=rule.threshold, positive=target.classes[rule.positive])


def inner_of(run: Execution, number: int, decision: DecisionOptions) -> Execution:
    """Return the execution of one fold, of which no stage has run yet, and which decides so."""
    config = _config(run, number, decision)
    specs = dict.fromkeys(one.spec for one in run.plan.stages if one.kind in INNER)
    plan: Plan = make_plan(run.registry, config, tuple(specs))
    return Execution(
        plan, run.workspace, run.registry.knowing([TrainingRows]), replace(run.info, config=config.plain())
    )


def _config(run: Execution, number: int, decision: DecisionOptions) -> RunConfig:
    """Return what one fold is made by: the run's own components, on the run's training rows."""
    config = run.plan.config
    rows = TrainingRows.of(run.value("split"), run.plan["split"].fingerprint)
    # What applies before the split has been applied, and what was to be ignored is gone.
    transforms = tuple(one for one in config.components["transform"] if run.plan[one.key].applies != "dataset")
    judges = tuple(one for one in config.components["evaluator"] if measures(one))
    components: Mapping[str, tuple[Placed, ...]] = {
        **config.components,
        "source": (Placed("source", rows),),
        "transform": transforms,
        "evaluator": judges,
        "packager": (),
        "deployer": (),
        "monitor": (),
    }
    roles: Roles = replace(run.plan.roles, ignore=())
    split = replace(config.options.split, fold=number)
    # Intervals change no figure, and a fold may have too few rows to measure them on.
    options = replace(config.options, roles=roles, split=split, decision=decision)
    options = replace(options, gates={}, intervals=IntervalOptions(), sets=SetOptions(), repeats=1)
    return replace(config, options=options, components=components, bare=None)


def measures(placed: Placed) -> bool:
    """Tell whether an evaluator measures anything, rather than only explaining a model."""
    return not isinstance(placed.component, Evaluator) or measured_by(placed.component) != {}


def _parts(meant: Meant) -> dict[str, Any]:
    split = meant.config.options.split
    return {"folds": split.folds, "repeats": split.repeats, "valid": split.valid, "seed": meant.config.options.seed}


def _summarize(report: Report) -> str:
    return ", ".join(_shown(report))


def _shown(report: Report) -> Iterator[str]:
    for metric in report.metrics[:2]:
        low = "" if metric.low is None else f" [{metric.low:.4g}, {metric.high:.4g}]"
        yield f"{metric.name} {metric.value:.4g}{low}"


STAGE = StageKind(
    kind="folds",
    module=__name__,
    takes=TAKES,
    makes=Report,
    parts=_parts,
    wanted=lambda meant: meant.config.options.split.cross_validates,
    make=_make,
    summarize=_summarize,
    final=True,
)
