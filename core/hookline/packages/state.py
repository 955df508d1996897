"""The fitted parts of a pipeline, written beside its model and read back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from hookline.errors import HooklineError, StoreError
from hookline.kinds.artifacts import Roles, Schema, Target
from hookline.kinds.component import Component
from hookline.kinds.plain import from_json, to_json
from hookline.registry.loading import load_plugins
from hookline.registry.ports import ports
from hookline.registry.registry import Registry

from .loading import M, T
from .manifest import read_json
from .pipeline import FittedStage, Pipeline

PIPELINE = "pipeline.json"
_at_hand: ContextVar[Mapping[tuple[str, str], type[Component]] | None] = ContextVar("hookline_components", default=None)


@contextmanager
def components_at_hand(classes: Mapping[tuple[str, str], type[Component]]) -> Iterator[None]:
    """Let `read_pipeline` find components of this process that no plugin registers, such as a notebook's own."""
    token = _at_hand.set(classes)
    try:
        yield
    finally:
        _at_hand.reset(token)


def write_pipeline(pipeline: Pipeline[Any], folder: Path) -> None:
    """Write everything of a pipeline but its model as plain JSON."""
    state = {
        "schema": to_json(pipeline.schema),
        "roles": to_json(pipeline.roles),
        "target": to_json(pipeline.target),
        "transforms": [_state(stage) for stage in pipeline.transforms],
        "featurizer": _state(pipeline.featurizer),
    }
    (folder / PIPELINE).write_text(json.dumps(state, indent=1), "utf-8")


def read_pipeline(folder: Path, model: M) -> Pipeline[M]:
    """Read a pipeline back around its model; every fitted part is built from data by a registered component's own class."""
    state = read_json(folder / PIPELINE)
    registry = Registry(load_plugins())
    return Pipeline(
        from_json(Schema, state["schema"]),
        from_json(Roles, state["roles"]),
        from_json(Target, state["target"]),
        tuple(_fitted(registry, "transform", item) for item in state["transforms"]),
        _fitted(registry, "featurizer", state["featurizer"]),
        model,
    )


def package_schema(folder: Path) -> Schema:
    """Return the input contract of a package; raises StoreError where it is damaged."""
    return _from_pipeline(folder, "schema", Schema)


def package_roles(folder: Path) -> Roles:
    """Return which columns of the training data played which part; raises StoreError where the package is damaged."""
    return _from_pipeline(folder, "roles", Roles)


def _from_pipeline(folder: Path, key: str, cls: type[T]) -> T:
    try:
        return from_json(cls, read_json(folder / PIPELINE)[key])
    except (KeyError, ValueError) as error:
        raise StoreError(f"{folder / PIPELINE} is damaged: {type(error).__name__}") from error


def _state(stage: FittedStage) -> dict[str, Any]:
    return {"key": stage.key, "component": stage.component, "state": to_json(stage.fitted)}


def _fitted(registry: Registry, kind: str, item: Mapping[str, Any]) -> FittedStage:
    name = item["component"]
    cls = (_at_hand.get() or {}).get((kind, name)) or registry.entry(kind, name).cls
    try:
        return FittedStage(item["key"], name, from_json(ports(cls).makes, item["state"]))
    except HooklineError:
        raise
    except (ValueError, TypeError) as error:
        raise StoreError(
            f"the state of {kind} '{name}' in the package does not fit this version of it: {error}"
        ) from error
