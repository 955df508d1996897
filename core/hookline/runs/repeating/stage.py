"""The stage that fits and judges the pipeline again with other seeds, on the very same rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.data.parts import LearningCurveOptions
from hookline.errors import HooklineError
from hookline.kinds.hooks import StageInfo
from hookline.kinds.reports import Report
from hookline.plans.layout import make_plan

from ..execution import Execution, StageKind
from ..parts import metrics_of, report_in_words
from ..stages.fitting.chance import reseeded, seeds_in, why_varying
from ..stages.folds.stage import INNER, TAKES, measures, settled
from .telling import Fit, report_of

if TYPE_CHECKING:
    from hookline.plans.config import RunConfig
    from hookline.plans.plan import Meant, Plan, Stage, StageSpec


def _make(run: Execution, stage: Stage) -> Report:
    """Fit until all is done; each fit's stages are kept in the store, so a killed run goes on after the last one."""
    options, components = run.plan.config.options, run.plan.config.components
    varies = why_varying(components["trainer"][0].component)
    seeds = tuple(seeds_in(components))
    fits = [Fit(0, options.seed, metrics_of(run))]
    if seeds or varies:
        fits += [_fit(run, stage, number) for number in range(1, options.repeats)]
    return report_of(fits, options.repeats, seeds, varies)


def _fit(run: Execution, stage: Stage, number: int) -> Fit:
    """Fit and judge once; nothing of it stays in memory but its figures."""
    options = run.plan.config.options
    told = f"repeat {number + 1}/{options.repeats}"
    here = StageInfo(told, stage.name, len(run.told) + 1, len(run.plan.stages))
    inner = _inner(run, number)
    cached = all(inner.is_stored(one) for one in inner.plan.of("evaluator"))
    run.registry.tell("before_stage", run=run.info, stage=here)
    started = time.perf_counter()
    try:
        found = metrics_of(inner)
    except HooklineError as error:
        error.message = f"{told.replace('/', ' of ')}: {error.message}"
        raise
    head = found.headline()
    said = "" if head is None else f"{head.name} {head.value:.4g}"
    seconds, status = time.perf_counter() - started, "cached" if cached else "ran"
    run.registry.tell("after_stage", run=run.info, stage=replace(here, status=status, seconds=seconds, summary=said))
    return Fit(number, options.seed + number, found)


def _inner(run: Execution, number: int) -> Execution:
    """Return the execution of one fit, of which no stage has run yet but those before anything is fitted."""
    config = _config(run, number)
    plan: Plan = make_plan(run.registry, config, tuple(_specs(run, number)))
    return Execution(plan, run.workspace, run.registry, replace(run.info, config=config.plain()))


def _config(run: Execution, number: int) -> RunConfig:
    config = run.plan.config
    judges = tuple(one for one in config.components["evaluator"] if measures(one))
    none: dict[str, tuple[Any, ...]] = {"packager": (), "deployer": (), "monitor": ()}
    components = reseeded({**config.components, "evaluator": judges, **none}, number)
    options = replace(config.options, gates={}, repeats=1, decision=settled(run))
    return replace(config, components=components, options=replace(options, learning_curve=LearningCurveOptions()))


def _specs(run: Execution, number: int) -> Iterator[StageSpec]:
    """Yield the run's own stages up to its evaluators; a fit has a number, since the same seed may give another model."""
    for spec in dict.fromkeys(one.spec for one in run.plan.stages if one.kind in INNER):
        yield replace(spec, parts=lambda meant: {"repeat": number}) if spec.kind == "trainer" else spec


def _parts(meant: Meant) -> dict[str, Any]:
    return {"repeats": meant.config.options.repeats}


STAGE = StageKind(
    kind="repeats",
    module=__name__,
    takes=TAKES,
    makes=Report,
    parts=_parts,
    wanted=lambda meant: meant.config.options.repeats > 1,
    make=_make,
    summarize=report_in_words,
    final=True,
)
