"""A run under way: the values at hand, and what its stages do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hookline.kinds.fitting import Curve, findings_in
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Finding
from hookline.plans.plan import Plan, Stage, StageSpec

from . import outputs

if TYPE_CHECKING:
    # For type checkers only, since what this module imports decides when stored outputs are out of date.
    from hookline.kinds.hooks import RunInfo, StageInfo
    from hookline.packages.certificate.edges import EdgeRows
    from hookline.registry.registry import Registry
    from hookline.workspace.workspace import Workspace

FINDINGS = "findings.json"
"""What was told while an output was made, beside it in the store."""
FITTED = ("transform", "cleaning", "featurizer", "trainer", "intervals", "sets")
"""Kinds that may tell something while they are fitted."""


@dataclass(frozen=True)
class Section:
    """A part of a run's evidence."""

    key: str
    needs: tuple[str, ...]
    """Kinds of stages whose outputs it tells of; without them it is left out."""
    tell: Callable[[Execution], Any]
    """Return it as plain data; None leaves it out."""


@dataclass(frozen=True, kw_only=True)
class StageKind(StageSpec):
    """What stages of one sort take and make, and how their output is made, written, read and told."""

    make: Callable[[Execution, Stage], Any] | None = None
    write: Callable[[Execution, Stage, Path], None] | None = None
    """Make the output and write it into an empty folder, where that is more than writing what `make` returns."""
    read: Callable[[Execution, Stage, Path], Any] | None = None
    """Read the output back, where its type does not say how."""
    summarize: Callable[[Any], str] = lambda value: ""
    """Say in a few words what came out."""
    sections: tuple[Section, ...] = ()

    def written(self, run: Execution, stage: Stage, folder: Path) -> None:
        """Make a stage's output and write it into an empty folder, with what was told meanwhile."""
        found: list[Finding] = []
        with findings_in(found):
            if self.write is None:
                outputs.write(self.made(run, stage), folder)
            else:
                self.write(run, stage, folder)
        if found:
            (folder / FINDINGS).write_text(json.dumps([to_json(one) for one in found]), "utf-8")

    def made(self, run: Execution, stage: Stage) -> Any:
        """Make a stage's output."""
        assert self.make is not None, "a stage that only writes is kept by the store"
        return self.make(run, stage)

    def read_back(self, run: Execution, stage: Stage, folder: Path) -> Any:
        """Read a stage's output from its folder."""
        return outputs.read(stage.makes, folder) if self.read is None else self.read(run, stage, folder)


@dataclass
class Execution:
    """One run under way: the values at hand, and what became of each stage."""

    plan: Plan
    workspace: Workspace
    registry: Registry
    """Of the plugins, and of what the plan has beside them."""
    info: RunInfo
    values: dict[str, Any] = field(default_factory=dict)
    told: dict[str, StageInfo] = field(default_factory=dict)
    curve: Curve = field(default_factory=Curve)
    edges: EdgeRows | None = None
    """The rows at the edges that packages and servers are asked, once they are made."""
    scratch: Path | None = None
    """A folder for as long as its stages run."""
    second: Beside = field(default_factory=lambda: Alone())
    """A process beside it, which may have done something already."""

    def value(self, key: str) -> Any:
        """Return a stage's output: at hand, from the store, or made now."""
        if key not in self.values:
            stage = self.plan[key]
            self.values[key] = self._stored(stage) if stage.persisted else kind_of(stage).made(self, stage)
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

    def is_stored(self, stage: Stage) -> bool:
        """Tell whether the store holds a stage's output."""
        return stage.persisted and self.workspace.store.has(stage.fingerprint)

    def is_at_hand(self, stage: Stage) -> bool:
        """Tell whether a stage's output can be had without computing it."""
        here = self.told.get(stage.key)
        if here is None or here.status == "failed":
            return False
        return here.status == "ran" or self.is_stored(stage)

    def reports(self, kind: str) -> Mapping[str, Any]:
        """Return the reports of a kind's stages, by who made them."""
        return {f"{stage.kind} '{stage.name}'": self.value(stage.key) for stage in self.plan.of(kind)}

    def findings(self, stage: Stage) -> list[Finding]:
        """Return what was told while a stage's output was made, in this run or in the one that left it in the store."""
        fitted = stage.kind in FITTED and stage.persisted
        content = self.workspace.store.read(stage.fingerprint, FINDINGS) if fitted else None
        return [from_json(Finding, one) for one in json.loads(content)] if content else []

    def _stored(self, stage: Stage) -> Any:
        store, kind = self.workspace.store, kind_of(stage)
        with store.lock(stage.fingerprint):
            folder = store.get(stage.fingerprint)
            if folder is None:
                note = {"stage": stage.key, "component": stage.name}
                folder = store.put(stage.fingerprint, lambda path: kind.written(self, stage, path), note=note)
            # Read back what was stored, so that a fresh run and a cached one see the very same values.
            return kind.read_back(self, stage, folder)


class Beside(Protocol):
    """What a run asks of a process beside it; what that one did not do, the run does itself."""

    def hand_over(self, run: Execution, decided: Mapping[str, str]) -> None:
        """Hear the plan, and key of a stage -> what is decided of it: `run`, `cached` or `unneeded`."""

    def after(self, run: Execution, stage: Stage) -> None:
        """Hear that a stage is done."""

    def fit(self, run: Execution, stage: Stage) -> bool:
        """Have the store hold a trainer's model; False where it is to be made by the run."""
        ...

    def take(self, what: str, key: str) -> Any:
        """Wait for what came of a task of a stage, such as `answer` and `served`; None where the run is to do it."""

    def package(self, stage: Stage, folder: Path) -> dict[str, Any] | None:
        """Fill a package's folder but for its seal, and return what its manifest is to say of the model; None as above."""

    def close(self) -> None:
        """End the process."""


class Alone:
    """Nobody beside a run, which does all itself."""

    def hand_over(self, run: Execution, decided: Mapping[str, str]) -> None:
        """Do nothing."""

    def after(self, run: Execution, stage: Stage) -> None:
        """Do nothing."""

    def fit(self, run: Execution, stage: Stage) -> bool:
        """Leave it to the run."""
        return False

    def take(self, what: str, key: str) -> Any:
        """Leave it to the run."""
        return None

    def package(self, stage: Stage, folder: Path) -> dict[str, Any] | None:
        """Leave it to the run."""
        return None

    def close(self) -> None:
        """Do nothing."""


def kind_of(stage: Stage) -> StageKind:
    """Return what a stage does; a plan that was laid out from specs alone cannot be executed."""
    assert isinstance(stage.spec, StageKind)
    return stage.spec
