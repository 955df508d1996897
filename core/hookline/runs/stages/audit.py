"""The search for leaks and overlaps between the parts of the split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import Split, Target
from hookline.kinds.reports import Report
from hookline.packages.pipeline import apply_transforms
from hookline.plans.plan import every
from hookline.quality.audit import audit, find_disguises

from ..execution import StageKind
from ..parts import fitted_in, report_in_words

if TYPE_CHECKING:
    from hookline.plans.plan import Stage
    from hookline.registry.remedies import Remedies

    from ..execution import Execution


def _make(run: Execution, stage: Stage) -> Report:
    """Look for leaks and overlaps between the parts of the split."""
    split: Split = run.value("split")
    target: Target = run.value("target")
    always = fitted_in(run, "always")
    labels = [
        apply_transforms(always, part.frame).select(target.name).collect()[target.name]
        for part in (split.train, split.test)
    ]
    train = apply_transforms(always, split.train.frame)
    disguises = find_disguises(train, split.train.feature_columns(), _remedies(run))
    return audit(split, target, labels, run.plan.config.options.audit_allow, stage.parts["advice"], disguises)


def _remedies(run: Execution) -> Remedies:
    """Return what says what to type against an ailment, for the components that are in place."""

    def remedies(ailment: str, **facts: Any) -> list[str]:
        return run.registry.remedies(ailment, run.info.config, **facts)

    return remedies


STAGE = StageKind(
    kind="audit",
    module=__name__,
    takes=every("split", "transform", "target"),
    makes=Report,
    wanted=lambda meant: meant.config.options.audit != "off",
    parts=lambda meant: {
        "audit_allow": list(meant.config.options.audit_allow),
        "advice": meant.registry.remedies("duplicates"),
    },
    make=_make,
    summarize=report_in_words,
    final=True,
)
