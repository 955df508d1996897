"""What a trainer says of a fit while it goes on, and where it keeps checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from hookline.errors import Pruned

from .reports import Finding

MOST_POINTS = 1_000
"""Points of a curve that are kept; of a longer one every second, every fourth and so on."""

EACH_JUDGED = 100
"""Steps of a fit of which each is judged; after them every second, from 200 on every fourth, from 400 on every eighth."""


@dataclass(frozen=True)
class Step:
    """What one step of a fit measured."""

    step: int
    value: float
    name: str
    greater_is_better: bool


Judge: TypeAlias = Callable[[Step], bool]
"""Tells of a step whether the fit is to be stopped there."""


@dataclass
class Curve:
    """The steps of one fit, in order, evenly thinned out where they are many."""

    name: str = ""
    greater_is_better: bool = False
    points: list[tuple[int, float]] = field(default_factory=list)
    last: tuple[int, float] | None = None
    _count: int = field(default=0, repr=False)
    _stride: int = field(default=1, repr=False)

    def add(self, step: Step) -> int:
        """Take a step, and return how many came before it.

        Raises ValueError where steps do not increase, or measure something else than those before.
        """
        if self.last is not None:
            self._check(step, self.last[0])
        self.name, self.greater_is_better = step.name, step.greater_is_better
        self.last = (step.step, step.value)
        if self._count % self._stride == 0:
            self.points.append(self.last)
        if len(self.points) == MOST_POINTS:
            self.points, self._stride = self.points[::2], 2 * self._stride
        self._count += 1
        return self._count - 1

    def plain(self) -> dict[str, Any]:
        """Return the curve as evidence has it: name, greater_is_better and points, each [step, value]; the last step included."""
        shown = [*self.points, self.last] if self.last and self.points[-1:] != [self.last] else self.points
        return {"name": self.name, "greater_is_better": self.greater_is_better, "points": [list(p) for p in shown]}

    def _check(self, step: Step, before: int) -> None:
        if step.step <= before:
            raise ValueError(f"report_step: step {step.step} comes after step {before}; steps of a fit increase")
        if (step.name, step.greater_is_better) != (self.name, self.greater_is_better):
            raise ValueError(f"report_step: '{step.name}' comes after '{self.name}'; a fit reports one metric")


_curve: ContextVar[Curve | None] = ContextVar("hookline_curve", default=None)
_judge: ContextVar[Judge | None] = ContextVar("hookline_judge", default=None)


def report_step(step: int, value: float, *, name: str = "loss", greater_is_better: bool = False) -> None:
    """Say what a fit measures after a step; nothing happens outside a run.

    step: how many epochs, rounds or the like are done; increases from call to call
    value: the metric `name`, measured on rows that the fit does not learn from
    Raises Pruned where a sweep finds that the fit is not worth going on with; let it through.
    """
    curve = _curve.get()
    if curve is None:
        return
    told = Step(int(step), float(value), name, greater_is_better)
    judge = _judge.get()
    before = curve.add(told)
    if judge is not None and is_judged(before) and judge(told):
        raise Pruned(told.step, name, told.value)


def is_judged(before: int) -> bool:
    """Tell whether a step is judged before which so many came: a decision takes a while, and late ones save little."""
    return before % (1 << (before // EACH_JUDGED).bit_length()) == 0


@contextmanager
def steps_in(curve: Curve) -> Iterator[None]:
    """Let `report_step` write to `curve` within this block."""
    token = _curve.set(curve)
    try:
        yield
    finally:
        _curve.reset(token)


def is_being_judged() -> bool:
    """Tell whether somebody decides by the steps of the fit that is under way whether it is stopped."""
    return _curve.get() is not None and _judge.get() is not None


@contextmanager
def judged_by(judge: Judge | None) -> Iterator[None]:
    """Let `judge` decide within this block which fits are stopped; None: nobody does."""
    token = _judge.set(judge)
    try:
        yield
    finally:
        _judge.reset(token)


_findings: ContextVar[list[Finding] | None] = ContextVar("hookline_findings", default=None)


def report_finding(finding: Finding) -> bool:
    """Tell the user of something that was decided or noticed while fitting; return False outside a run, where nobody is told.

    finding: its message says what was done, and what to set where something else is wanted
    """
    found = _findings.get()
    if found is not None:
        found.append(finding)
    return found is not None


@contextmanager
def findings_in(found: list[Finding]) -> Iterator[None]:
    """Let `report_finding` add to `found` within this block."""
    token = _findings.set(found)
    try:
        yield
    finally:
        _findings.reset(token)


_folder: ContextVar[Path | None] = ContextVar("hookline_checkpoints", default=None)


def checkpoint_folder() -> Path | None:
    """Return the folder for the fit that is under way, or None outside a run.

    The same trainer with the same fields on the same data gets the same folder again; it is removed once the fit succeeds.
    """
    folder = _folder.get()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def checkpoints_in(folder: Path) -> Iterator[None]:
    """Let `checkpoint_folder` return `folder` within this block."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)
