"""What in a pipeline hangs on chance, and the same pipeline with other seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from hookline.kinds.capabilities import Varies
from hookline.kinds.component import Component
from hookline.kinds.given.references import held_by, hold
from hookline.registry.nested import nested_components

if TYPE_CHECKING:
    # For type checkers only, since what this module imports decides when stored outputs are out of date.
    from hookline.plans.placing.components import Placed

FITTED = ("transform", "featurizer", "trainer")
"""Kinds whose components are fitted to training rows."""
SEED = "seed"
SEEDS = 2**32


def why_varying(component: Component) -> str | None:
    """Say why one seed may give several fits of a component, or of one in its fields; None: it gives the same bit for bit."""
    for one in (component, *nested_components(component)):
        if isinstance(one, Varies) and (why := one.varies()) is not None:
            return f"{one.kind} '{one.name}' {why}"
    return None


def seeds_in(components: Mapping[str, Sequence[Placed]]) -> Iterator[str]:
    """Yield the places of config that hold a seed of what is fitted, such as `trainer.seed`."""
    for placed in (one for kind in FITTED for one in components[kind]):
        if any(_has_seed(one) for one in (placed.component, *nested_components(placed.component))):
            yield placed.key if not _has_seed(placed.component) else f"{placed.key}.{SEED}"


def reseeded(components: Mapping[str, tuple[Placed, ...]], by: int) -> dict[str, tuple[Placed, ...]]:
    """Return components of which each that is fitted has a seed that is larger by a number."""
    return {
        kind: tuple(replace(one, component=_reseeded(one.component, by)) for one in placed)
        if kind in FITTED
        else placed
        for kind, placed in components.items()
    }


def _has_seed(component: Component) -> bool:
    return type(getattr(component, SEED, None)) is int


def _reseeded(value: Any, by: int) -> Any:
    """Return a component, or what holds some, with larger seeds; the very same object where it holds none."""
    if isinstance(value, Component):
        before = {field.name: getattr(value, field.name) for field in fields(value)}
        after = {name: _reseeded(item, by) for name, item in before.items()}
        if _has_seed(value):
            after[SEED] = (before[SEED] + by) % SEEDS
        changed = {name: item for name, item in after.items() if item is not before[name]}
        return hold(replace(value, **changed), held_by(value)) if changed else value
    if isinstance(value, Mapping):
        items = {key: _reseeded(item, by) for key, item in value.items()}
        return items if any(items[key] is not value[key] for key in value) else value
    if isinstance(value, tuple):
        found = tuple(_reseeded(item, by) for item in value)
        return found if any(new is not old for new, old in zip(found, value, strict=True)) else value
    return value
