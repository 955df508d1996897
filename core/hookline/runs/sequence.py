"""The stages of a run, in order: a table of contents. Each module says what its stage takes and makes, and how."""

from __future__ import annotations

from hookline.plans.config import RunConfig
from hookline.plans.layout import make_plan
from hookline.plans.plan import Plan
from hookline.registry.registry import Registry

from .execution import StageKind
from .growing import stage as growing
from .repeating import stage as repeating
from .stages import (
    audit,
    cleaning,
    contract,
    deployer,
    features,
    judging,
    knowledge,
    packager,
    rows,
    split,
    target,
    trainer,
)
from .stages.deciding import decision, intervals, sets, wish
from .stages.folds import stage as folds

SEQUENCE: tuple[StageKind, ...] = (
    rows.SOURCE,
    rows.BEFORE_SPLIT,
    split.STAGE,
    knowledge.STAGE,
    contract.STAGE,
    rows.AFTER_SPLIT,
    cleaning.STAGE,
    target.STAGE,
    wish.STAGE,
    features.FEATURIZER,
    features.FEATURES,
    # Last before training, so that a process beside the run may fit meanwhile.
    audit.STAGE,
    trainer.STAGE,
    decision.STAGE,
    intervals.STAGE,
    sets.STAGE,
    judging.EVALUATOR,
    folds.STAGE,
    growing.STAGE,
    repeating.STAGE,
    judging.MONITOR,
    packager.STAGE,
    deployer.STAGE,
)


def plan_run(registry: Registry, config: RunConfig) -> Plan:
    """Check a config as a whole and return its stages; raises PlanError, ConfigError or MissingBackend, and runs nothing."""
    return make_plan(registry, config, SEQUENCE)
