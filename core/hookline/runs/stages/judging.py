"""Stages that judge: audit, evaluators, monitors."""

from __future__ import annotations

from hookline.kinds.artifacts import Split, Target
from hookline.kinds.reports import Reference, Report
from hookline.packages.pipeline import apply_transforms
from hookline.plans.plan import Knowledge, Stage
from hookline.quality.audit import audit

from ..execution import Running, component, fitted_in, pipeline_of


def make_audit(run: Running, stage: Stage) -> Report:
    """Look for leaks and overlaps between the parts of the split."""
    split: Split = run.value("split")
    target: Target = run.value("target")
    always = fitted_in(run, "always")
    labels = [
        apply_transforms(always, part.frame).select(target.name).collect()[target.name]
        for part in (split.train, split.test)
    ]
    return audit(split, target, labels, run.plan.config.options.audit_allow)


def make_evaluate(run: Running, stage: Stage) -> Report:
    """Judge the pipeline on held-out rows."""
    report: Report = component(stage).evaluate(pipeline_of(run), run.value("split").test)
    return report


def make_monitor(run: Running, stage: Stage) -> Report:
    """Hold the held-out rows against the training rows."""
    split: Split = run.value("split")
    knowledge: Knowledge = run.value("knowledge")
    reference = Reference(knowledge.profile, split.train, time=split.train.roles.time)
    report: Report = component(stage).check(split.test, reference)
    return report
