"""The checked list of stages that a config means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from hookline.kinds.artifacts import Roles, Schema
from hookline.kinds.component import Component
from hookline.kinds.kinds import Source, Transform
from hookline.kinds.reports import Profile

if TYPE_CHECKING:
    # For type checkers only, since what this module imports decides when stored outputs are out of date.
    from hookline.data.contract.file import Contract
    from hookline.registry.registry import Registry

    from .config import RunConfig


@dataclass(frozen=True)
class Knowledge:
    """What a model knows of its training rows: the contract of its input and their distributions."""

    schema: Schema
    profile: Profile


Inputs: TypeAlias = Callable[[Mapping[str, tuple[str, ...]], Component | None], tuple[str, ...]]
"""Keys of the stages laid out so far, by the name of what they are, and the stage's component -> those that it takes."""


@dataclass(frozen=True)
class Meant:
    """What a config means before its stages are laid out: what they go by beside their component and their inputs."""

    config: RunConfig
    roles: Roles
    contract: Contract | None
    registry: Registry

    def data(self) -> str:
        """Return what the source's rows are known by."""
        source = self.config.components["source"][0].component
        assert isinstance(source, Source)
        return source.fingerprint()


@dataclass(frozen=True)
class StageSpec:
    """What stages of one sort take and make, and what they go by; a plan is laid out from a sequence of these."""

    kind: str
    """One of the eight kinds, or a stage of the core, which has no component."""
    module: str
    """The module of the core that does what such a stage does: its code and what it imports are part of the fingerprint."""
    takes: Inputs
    makes: Any = None
    """The type of its output; None where the component's port says it."""
    name: str = ""
    """What inputs are named by, where a kind has stages of several sorts; empty: the kind."""
    parts: Callable[[Meant], Mapping[str, Any]] = lambda meant: {}
    """What else its output depends on, by name."""
    wanted: Callable[[Meant], bool] = lambda meant: True
    """Whether a config has such a stage; of a stage of the core."""
    holds: Callable[[Component], bool] = lambda component: True
    """Whether a component of the kind is placed here."""
    persisted: bool = True
    """Whether the store keeps its output."""
    final: bool = False
    """Whether it is wanted for itself, and not only by stages that read it."""

    @property
    def label(self) -> str:
        """What inputs are named by."""
        return self.name or self.kind


def every(*names: str) -> Inputs:
    """Take all stages of some names that are laid out before, in the order of the names."""
    return lambda done, _: tuple(key for name in names for key in done.get(name, ()))


def newest(*names: str) -> Inputs:
    """Take the last stage that was laid out of some names, of which the later ones come later."""
    return lambda done, _: next(done[name][-1:] for name in reversed(names) if done.get(name))


@dataclass(frozen=True)
class Stage:
    """A component placed in a run, with what it takes, makes and depends on."""

    key: str
    spec: StageSpec
    component: Component | None
    inputs: tuple[str, ...]
    """Keys of the stages whose outputs it takes."""
    makes: Any
    parts: Mapping[str, Any]
    """What the fingerprint is made of, by name; a later run compares them to say why it must run."""
    fingerprint: str

    @property
    def kind(self) -> str:
        """One of the eight kinds, or a stage of the core."""
        return self.spec.kind

    @property
    def name(self) -> str:
        """The component's name, or `core`."""
        return self.component.name if self.component else "core"

    @property
    def acts(self) -> Any:
        """The component, to be called by its kind's method, whose ports the plan has checked."""
        return self.component

    @property
    def persisted(self) -> bool:
        """Whether the store keeps its output."""
        return self.spec.persisted

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
        wanted = {stage.key for stage in self.stages if stage.spec.final}
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
