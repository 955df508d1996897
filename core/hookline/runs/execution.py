"""A run under way: the values at hand, and what its stages put together from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hookline.data.split import SplitFacts
from hookline.kinds.fitting import Curve
from hookline.kinds.hooks import RunInfo, StageInfo
from hookline.packages.certificate.edges import SAMPLE_ROWS, EdgeRows, make_edges
from hookline.packages.pipeline import FittedStage, Pipeline
from hookline.plans.plan import Knowledge, Plan, Stage
from hookline.registry.registry import Registry
from hookline.workspace.workspace import Workspace


@dataclass
class Execution:
    """One run under way: the values at hand, and what became of each stage."""

    plan: Plan
    workspace: Workspace
    registry: Registry
    info: RunInfo
    values: dict[str, Any] = field(default_factory=dict)
    told: dict[str, StageInfo] = field(default_factory=dict)
    curve: Curve = field(default_factory=Curve)
    scratch: Path | None = None

    def value(self, key: str) -> Any:
        """Return a stage's output: at hand, from the store, or made now."""
        if key not in self.values:
            stage = self.plan[key]
            self.values[key] = self._stored(stage) if stage.persisted else self._table().make(self, stage)
        return self.values[key]

    @contextmanager
    def scratch_folder(self) -> Iterator[None]:
        """Have a scratch folder for the time of this block; then what may read from it is forgotten: rows before the split."""
        try:
            with self.workspace.store.scratch() as self.scratch:
                yield
        finally:
            self.scratch = None
            for stage in self.plan.stages:
                if stage.kind == "source" or stage.applies == "dataset":
                    self.values.pop(stage.key, None)

    def _stored(self, stage: Stage) -> Any:
        store = self.workspace.store
        with store.lock(stage.fingerprint):
            folder = store.get(stage.fingerprint)
            if folder is None:
                note = {"stage": stage.key, "component": stage.name}
                folder = store.put(stage.fingerprint, lambda path: self._table().write(self, stage, path), note=note)
            # Read back what was stored, so that a fresh run and a cached one see the very same values.
            return self._table().read(self, stage, folder)

    def split_facts(self) -> SplitFacts:
        """Return what is known of the split, without reading its rows where they need not be made."""
        if "split" not in self.values:
            from .stages.rows import SPLIT, split_facts

            content = self.workspace.store.read(self.plan["split"].fingerprint, SPLIT)
            if content is not None:
                return split_facts(content)
        return SplitFacts.of(self.value("split"))

    def _table(self) -> Any:
        from .stages import table

        return table

    def is_stored(self, stage: Stage) -> bool:
        """Tell whether the store holds a stage's output."""
        return stage.persisted and self.workspace.store.has(stage.fingerprint)


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


def component(stage: Stage) -> Any:
    """Return a stage's component, to be called by its kind's method."""
    return stage.component
