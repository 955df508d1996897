"""Which feature sets a run used, in which versions, and what they made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.kinds.plain import to_json
from hookline.plans.placing.versions import features_of, version_of

if TYPE_CHECKING:
    from hookline.plans.placing.sets import KnownSet

    from .execution import Execution


def sets_told(run: Execution) -> list[dict[str, Any]]:
    """Return each feature set of a run with its version, its definitions, and its columns as far as they are known."""
    return [_told(run, name, known) for name, known in run.plan.config.sets.items()]


def _told(run: Execution, name: str, known: KnownSet) -> dict[str, Any]:
    stages = {stage.key: stage for stage in run.plan.of("transform")}
    fitted = {
        key: run.value(stage.key)
        for key in known.definitions
        if run.is_at_hand(stage := stages[f"transform.{name}.{key}"])
    }
    return {
        "name": name,
        "version": version_of(run.registry, known),
        **{key: value for key, value in known.plain().items() if key != "tests"},
        "tests": len(known.declared.tests),
        "features": [to_json(feature) for feature in features_of(run.registry, known, fitted)],
    }
