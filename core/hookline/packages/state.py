"""The fitted parts of a pipeline, written beside its model and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from hookline.errors import HooklineError, StoreError
from hookline.kinds.answering.rules import DecisionRule, Intervals, PredictionSets
from hookline.kinds.artifacts import Roles, Schema, Target
from hookline.kinds.fitted import Model
from hookline.kinds.plain import from_json, to_json
from hookline.registry.ports import ports
from hookline.registry.registry import Registry

from .door.faults import check_decision, check_intervals, check_schema, check_sets, check_target, first_of
from .door.names import is_component_name, shown
from .manifest import read_json
from .owncode.carried import Carried
from .owncode.using import AS_ELSEWHERE, Using, choose
from .pipeline import FittedStage, Pipeline

M = TypeVar("M", bound=Model)
T = TypeVar("T")

PIPELINE = "pipeline.json"


def write_pipeline(pipeline: Pipeline[Any], folder: Path) -> None:
    """Write everything of a pipeline but its model as plain JSON."""
    state = {
        "schema": to_json(pipeline.schema),
        "roles": to_json(pipeline.roles),
        "target": to_json(pipeline.target),
        "transforms": [_state(stage) for stage in pipeline.transforms],
        "featurizers": [_state(stage) for stage in pipeline.featurizers],
        "decision": None if pipeline.decision is None else to_json(pipeline.decision),
        "intervals": None if pipeline.intervals is None else to_json(pipeline.intervals),
        "sets": None if pipeline.sets is None else to_json(pipeline.sets),
    }
    (folder / PIPELINE).write_text(json.dumps(state, indent=1), "utf-8")


@dataclass(frozen=True)
class StoredPackage:
    """A package's folder, read with the components at hand; what is damaged raises StoreError when it is asked for."""

    path: Path
    registry: Registry
    using: Using = AS_ELSEWHERE
    """Which code of people's own its classes are of."""

    @classmethod
    def opened(cls, path: Path, registry: Registry, carried: Carried | None, *, trusted: bool) -> Self:
        """Return a package's folder with the code in use that travels in it, or that is here; raises as `choose` does.

        carried: that code, held against its digest; trusted: whether it may run
        """
        using = choose(carried, path, trusted=trusted)
        return cls(path, using.known(registry), using)

    def imported_as(self, module: str) -> str:
        """Return what a module that the package names is called here, where people's own code travels in it."""
        return self.using.imported_as(module)

    @cached_property
    def schema(self) -> Schema:
        """The raw columns that the pipeline takes: its input contract."""
        schema = self._part("schema", Schema)
        check_schema(schema, str(self.path / PIPELINE))
        return schema

    @cached_property
    def roles(self) -> Roles:
        """Which columns of the training data played which part."""
        return self._part("roles", Roles)

    @cached_property
    def target(self) -> Target:
        """What it predicts."""
        target = self._part("target", Target)
        check_target(target, str(self.path / PIPELINE))
        return target

    @cached_property
    def transforms(self) -> tuple[FittedStage, ...]:
        """The fitted transforms, each built from data by a registered component's own class."""
        return tuple(self._fitted("transform", item) for item in self._held("transforms"))

    @cached_property
    def featurizers(self) -> tuple[FittedStage, ...]:
        """The fitted featurizers, built likewise; a package of format 1 has one."""
        held = [self._state.get("featurizer")] if "featurizer" in self._state else self._held("featurizers")
        return tuple(self._fitted("featurizer", item) for item in held)

    @cached_property
    def decision(self) -> DecisionRule | None:
        """How it decides; a package before format 4 answers the most probable class."""
        if self._state.get("decision") is None:
            return None
        rule = self._part("decision", DecisionRule)
        check_decision(rule, self.target, str(self.path / PIPELINE))
        return rule

    @cached_property
    def intervals(self) -> Intervals | None:
        """How far the intervals around its numbers reach; a package before format 4 tells none."""
        if self._state.get("intervals") is None:
            return None
        found = self._part("intervals", Intervals)
        check_intervals(found, self.target, str(self.path / PIPELINE))
        return found

    @cached_property
    def sets(self) -> PredictionSets | None:
        """Which classes may be true; None where it tells none."""
        if self._state.get("sets") is None:
            return None
        found = self._part("sets", PredictionSets)
        check_sets(found, self.target, str(self.path / PIPELINE))
        return found

    def around(self, model: M) -> Pipeline[M]:
        """Return the pipeline with a model inside it."""
        parts = (self.schema, self.roles, self.target, self.transforms, self.featurizers)
        return Pipeline(*parts, model, self.decision, self.intervals, self.sets)

    @cached_property
    def _state(self) -> Mapping[str, Any]:
        return read_json(self.path / PIPELINE)

    def _held(self, key: str) -> list[Any]:
        held = self._state.get(key)
        if not isinstance(held, list):
            raise StoreError(f"{self.path / PIPELINE} is damaged: it has no list of {key}")
        return held

    def _part(self, key: str, cls: type[T]) -> T:
        try:
            return from_json(cls, self._state[key])
        except KeyError:
            raise StoreError(f"{self.path / PIPELINE} is damaged: it has no {key}") from None
        except (ValueError, TypeError, RecursionError) as error:
            raise StoreError(f"{self.path / PIPELINE} is damaged: {key}: {first_of(error)}") from None

    def _fitted(self, kind: str, item: Any) -> FittedStage:
        try:
            key, name, state = (item[part] for part in ("key", "component", "state"))
        except (KeyError, TypeError) as error:
            raise StoreError(f"{self.path / PIPELINE} is damaged: a {kind} has no key, component or state") from error
        if not isinstance(key, str) or not is_component_name(name):
            raise StoreError(f"{self.path / PIPELINE} is damaged: '{shown(name)}' is not the name of a {kind}")
        cls = self.registry.entry(kind, name).cls
        try:
            return FittedStage(key, name, from_json(ports(cls).makes, state))
        except HooklineError:
            raise
        except Exception as error:  # a plugin's fitted class may raise anything of a state that it did not write
            raise StoreError(
                f"the state of {kind} '{name}' in the package does not fit this version of it: {first_of(error)}"
            ) from error


def _state(stage: FittedStage) -> dict[str, Any]:
    return {"key": stage.key, "component": stage.component, "state": to_json(stage.fitted)}
