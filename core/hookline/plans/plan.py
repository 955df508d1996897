"""The checked list of stages that a config means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hookline.data.contract.file import Contract
from hookline.kinds.artifacts import Roles, Schema
from hookline.kinds.component import Component
from hookline.kinds.kinds import Transform
from hookline.kinds.reports import Profile

from .config import RunConfig

PERSISTED = frozenset(
    {
        "split",
        "knowledge",
        "contract",
        "transform",
        "cleaning",
        "target",
        "audit",
        "featurizer",
        "features",
        "trainer",
        "evaluator",
        "packager",
        "monitor",
    }
)
"""Stage kinds whose output the store keeps; rows before the split stay lazy, and a deployment is never skipped."""


@dataclass(frozen=True)
class Knowledge:
    """What a model knows of its training rows: the contract of its input and their distributions."""

    schema: Schema
    profile: Profile


@dataclass(frozen=True)
class Stage:
    """A component placed in a run, with what it takes, makes and depends on."""

    key: str
    kind: str
    """One of the eight kinds, or a stage of the core: split, knowledge, contract, cleaning, target, audit, features."""
    component: Component | None
    inputs: tuple[str, ...]
    """Keys of the stages whose outputs it takes."""
    makes: Any
    parts: Mapping[str, Any]
    """What the fingerprint is made of, by name; a later run compares them to say why it must run."""
    fingerprint: str

    @property
    def name(self) -> str:
        """The component's name, or `core`."""
        return self.component.name if self.component else "core"

    @property
    def persisted(self) -> bool:
        """Whether the store keeps its output."""
        return self.kind in PERSISTED and not (self.kind == "transform" and self.applies == "dataset")

    @property
    def applies(self) -> str:
        """A transform's scope; empty for other kinds."""
        return self.component.applies if isinstance(self.component, Transform) else ""


@dataclass(frozen=True)
class Plan:
    """The checked, fingerprinted stages that a config means, in order."""

    config: RunConfig
    roles: Roles
    stages: tuple[Stage, ...]
    contract: Contract | None = None
    """What a person says of the columns."""

    def __getitem__(self, key: str) -> Stage:
        return next(stage for stage in self.stages if stage.key == key)

    def of(self, *kinds: str) -> tuple[Stage, ...]:
        """Return the stages of some kinds, in order."""
        return tuple(stage for stage in self.stages if stage.kind in kinds)

    def fitted_transforms(self) -> tuple[Stage, ...]:
        """Return the transform stages that are fitted after the split."""
        return tuple(stage for stage in self.of("transform") if stage.applies != "dataset")

    def needed(self, cached: Iterable[str]) -> dict[str, str]:
        """Return key -> `run`, `cached` or `unneeded`, given the keys of stages that the store holds.

        Work is demanded from the end: what only a cached stage would read is not needed.
        """
        held = set(cached)
        ends = ("contract", "cleaning", "audit", "evaluator", "packager", "monitor", "deployer", "trainer")
        wanted = {stage.key for stage in self.of(*ends)}
        decided: dict[str, str] = {}
        for stage in reversed(self.stages):
            if stage.key not in wanted:
                decided[stage.key] = "cached" if stage.key in held else "unneeded"
            elif stage.key in held:
                decided[stage.key] = "cached"
            else:
                decided[stage.key] = "run"
                wanted |= set(stage.inputs)
        return {stage.key: decided[stage.key] for stage in self.stages}
