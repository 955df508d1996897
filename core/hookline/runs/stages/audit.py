"""The search for leaks and overlaps between the parts of the split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import Split, Target
from hookline.kinds.capabilities import ReadsAlike
from hookline.kinds.component import COMPONENT
from hookline.kinds.reports import Report
from hookline.packages.pipeline import apply_transforms
from hookline.packages.reading import reading_of
from hookline.plans.plan import Knowledge, Meant, every
from hookline.quality.audit import audit, find_disguises
from hookline.quality.audit.sides import parts_of
from hookline.quality.reading import reading_findings

from ..execution import StageKind
from ..parts import fitted_in, report_in_words

if TYPE_CHECKING:
    from hookline.plans.plan import Stage
    from hookline.registry.remedies import Remedies

    from ..execution import Execution


def _make(run: Execution, stage: Stage) -> Report:
    """Look for leaks and overlaps between the parts of the split, and for rows that were not read as they were meant."""
    split: Split = run.value("split")
    target: Target = run.value("target")
    always = fitted_in(run, "always")
    labels = [
        apply_transforms(always, part.frame).select(target.name).collect()[target.name] for part in parts_of(split)
    ]
    train = apply_transforms(always, split.train.frame)
    disguises = find_disguises(train, split.train.feature_columns(), _remedies(run))
    knowledge: Knowledge = run.value("knowledge")
    read = reading_findings(knowledge.profile, run.registry.remedies, stage.parts["source"])
    told = [*disguises, *read]
    options = run.plan.config.options
    return audit(split, target, labels, options.audit_allow, stage.parts["advice"], told, noise=options.audit_labels)


def _source(meant: Meant) -> dict[str, Any]:
    """Return the source as config says it, without the place of its rows, which is no matter of what was found in them."""
    source: Any = meant.config.components["source"][0].component
    name = source.name
    reading = reading_of(source)
    told = reading.fields if isinstance(source, ReadsAlike) and reading.component == name else {}
    return {"source": {COMPONENT: name, **told}}


def _remedies(run: Execution) -> Remedies:
    """Return what says what to type against an ailment, for the components that are in place."""

    def remedies(ailment: str, **facts: Any) -> list[str]:
        return run.registry.remedies(ailment, run.info.config, **facts)

    return remedies


STAGE = StageKind(
    kind="audit",
    module=__name__,
    takes=every("split", "transform", "target", "knowledge"),
    makes=Report,
    wanted=lambda meant: meant.config.options.audit != "off",
    parts=lambda meant: {
        "audit_allow": list(meant.config.options.audit_allow),
        "advice": meant.registry.remedies("duplicates"),
        "source": _source(meant),
        **({"audit_labels": True} if meant.config.options.audit_labels else {}),
    },
    make=_make,
    summarize=report_in_words,
    final=True,
)
