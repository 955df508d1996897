"""A run under way as its stages see it, and what they put together from what it has made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .edges import SAMPLE_ROWS, EdgeRows, make_edges
from .pipeline import FittedStage, Pipeline
from .planning import Knowledge, Plan
from .steps import Curve

if TYPE_CHECKING:
    from .hookspecs import RunInfo
    from .workspace import Workspace

IMPORTANCES = "importances.json"
CURVE = "curve.json"


class Running(Protocol):
    """What a stage may ask of the run that it is part of."""

    @property
    def plan(self) -> Plan:
        """Its stages."""
        ...

    @property
    def workspace(self) -> Workspace:
        """Where it keeps things."""
        ...

    @property
    def info(self) -> RunInfo:
        """What lifecycle hooks see of it."""
        ...

    @property
    def scratch(self) -> Path | None:
        """A folder for as long as its stages run."""
        ...

    @property
    def curve(self) -> Curve:
        """The steps that its trainer reports."""
        ...

    def value(self, key: str) -> Any:
        """Return another stage's output."""
        ...


def pipeline_of(run: Running) -> Pipeline[Any]:
    """Put the fitted parts of a run together."""
    knowledge: Knowledge = run.value("knowledge")
    featurizer = run.plan.of("featurizer")[0]
    return Pipeline(
        knowledge.schema,
        run.plan.roles,
        run.value("target"),
        fitted_in(run, "always"),
        FittedStage(featurizer.key, featurizer.name, run.value(featurizer.key)),
        run.value(run.plan.of("trainer")[0].key),
    )


def fitted_in(run: Running, *scopes: str, until: str | None = None) -> tuple[FittedStage, ...]:
    """Return the fitted transforms that apply in some scopes, up to the stage `until`."""
    found = []
    for stage in run.plan.fitted_transforms():
        if stage.key == until:
            break
        if stage.applies in scopes:
            found.append(FittedStage(stage.key, stage.name, run.value(stage.key)))
    return tuple(found)


def edges_of(run: Running, pipeline: Pipeline[Any]) -> EdgeRows:
    """Return generated rows at the edges of what a pipeline may be asked, the same ones in every stage of a run."""
    train = run.value("split").train.frame.head(SAMPLE_ROWS).collect()
    return make_edges(pipeline, train, run.plan.config.options.seed)


def importances_of(run: Running) -> dict[str, float]:
    """Return feature name -> importance, without reading the model, whose library may take seconds to import."""
    trainer = run.plan.of("trainer")[0]
    folder = run.workspace.store.get(trainer.fingerprint)
    if folder is None:
        return dict(run.value(trainer.key).importances())
    found: dict[str, float] = json.loads((folder / IMPORTANCES).read_text("utf-8"))
    return found


def learning_of(run: Running) -> dict[str, Any] | None:
    """Return the curve that the trainer reported, in this run or in the one that left its model in the store."""
    if run.curve.points:
        return run.curve.plain()
    folder = run.workspace.store.get(run.plan.of("trainer")[0].fingerprint)
    if folder is None or not (folder / CURVE).is_file():
        return None
    found: dict[str, Any] = json.loads((folder / CURVE).read_text("utf-8"))
    return found
