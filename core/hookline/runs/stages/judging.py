"""Evaluators, which judge held-out rows, and monitors, which hold them against the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import Split
from hookline.kinds.component import Component
from hookline.kinds.deployments import Traffic
from hookline.kinds.reports import Reference, Report
from hookline.plans.plan import Knowledge, every
from hookline.quality.distributions import answers_of
from hookline.registry.ports import takes_pipeline, takes_scored, takes_traffic

from ..execution import StageKind
from ..parts import RULES, metrics_of, pipeline_of, report_in_words, scored_of

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ..execution import Execution


PLAIN = ("split", "transform", "target", "knowledge", "featurizer", "trainer")
"""What a pipeline is made of that answers what the model says."""
PIPELINE = (*PLAIN, *RULES)


def _evaluate(run: Execution, stage: Stage) -> Report:
    asked = {"pipeline": pipeline_of(run)} if takes_pipeline(type(stage.acts)) else {}
    report: Report = stage.acts.evaluate(scored_of(run), **asked)
    return report


def _monitor(run: Execution, stage: Stage) -> Report:
    """Check what the monitor's port says: raw rows, answers with what was measured of them, or what became of requests.

    Rows of weight 0 are left out on either side.
    """
    split: Split = run.value("split")
    knowledge: Knowledge = run.value("knowledge")
    known: dict[str, Any] = {"time": split.train.roles.time}
    # Before a model answers anybody, nothing became of any request.
    current: Any = Traffic() if takes_traffic(type(stage.acts)) else split.test.weighing()
    if takes_scored(type(stage.acts)):
        current = scored_of(run).weighing()
        known |= {"target": current.target, "metrics": metrics_of(run), "answers": answers_of(current)}
    report: Report = stage.acts.check(current, Reference(knowledge.profile, split.train.weighing(), **known))
    return report


def _takes(done: Mapping[str, tuple[str, ...]], component: Component | None) -> tuple[str, ...]:
    """Take the model only where the monitor looks at answers, so that others need not run again with it."""
    scored = component is not None and takes_scored(type(component))
    return every(*((*PIPELINE, "evaluator") if scored else ("split", "knowledge")))(done, component)


EVALUATOR = StageKind(
    kind="evaluator",
    module=__name__,
    takes=every(*PIPELINE),
    makes=Report,
    make=_evaluate,
    summarize=report_in_words,
    final=True,
)
MONITOR = StageKind(
    kind="monitor", module=__name__, takes=_takes, makes=Report, make=_monitor, summarize=report_in_words, final=True
)
