"""What a config says of how answers are made, held against what is predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, get_args

from annotated_types import Gt, Interval, Le

from hookline.errors import ConfigError, Problem
from hookline.kinds.answering.rules import DecisionRule
from hookline.kinds.artifacts import Label, Target
from hookline.kinds.fitted import label_text

By = Literal["threshold", "costs", "precision", "recall"]
WAYS: tuple[By, ...] = get_args(By)


@dataclass(frozen=True)
class DecisionOptions:
    """Which class is answered, where it is not the most probable one: by one of threshold, costs, precision and recall."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    threshold: Annotated[float, Interval(ge=0, le=1)] | None = None
    """The least probability of the positive class that is answered with it."""
    costs: Mapping[Label, Mapping[Label, float]] = field(default_factory=dict)
    """True class -> answered class -> what that costs; what is not said costs 0 where it is right, else 1."""
    precision: Annotated[float, Gt(0), Le(1)] | None = None
    """The least share of positive answers that is to be right; of the thresholds that reach it, the one of most recall."""
    recall: Annotated[float, Gt(0), Le(1)] | None = None
    """The least share of positive rows that is to be found; of the thresholds that reach it, the one of most precision."""
    positive: Label | None = None
    """The positive class of a binary target; null takes the later one in sorted order."""
    chosen_on: Literal["validation", "folds"] = "validation"
    """What a threshold is chosen on: validation rows, or all training rows by models of folds that had not seen them."""

    @property
    def ways(self) -> tuple[By, ...]:
        """What of threshold, costs, precision and recall is said."""
        return tuple(name for name in WAYS if getattr(self, name) not in (None, {}))

    @property
    def needs_rows(self) -> bool:
        """Whether a threshold is to be chosen on validation rows whatever the classes are; by costs it is one of two only."""
        return self.precision is not None or self.recall is not None

    def problems(self) -> list[Problem]:
        """Return what is wrong with it whatever the target is."""
        if len(self.ways) > 1:
            return [Problem("decision", f"takes one of {', '.join(WAYS)}, got {' and '.join(self.ways)}")]
        if self.positive is not None and not self.ways:
            return [Problem("decision.positive", f"says nothing without one of {', '.join(WAYS)}")]
        if self.positive is not None and self.ways == ("costs",):
            return [Problem("decision.positive", "says nothing beside costs, which name the classes")]
        return [
            Problem(f"decision.costs.{label_text(true)}.{label_text(answer)}", f"must be a finite number, got {cost}")
            for true, answers in self.costs.items()
            for answer, cost in answers.items()
            if not abs(cost) < float("inf")
        ]


@dataclass(frozen=True)
class IntervalOptions:
    """The interval that is told around each number."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    coverage: Annotated[float, Interval(gt=0, lt=1)] | None = None
    """The share of rows whose truth is to lie within; null tells no intervals."""


@dataclass(frozen=True)
class SetOptions:
    """The set of classes that is told beside each answered one."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    coverage: Annotated[float, Interval(gt=0, lt=1)] | None = None
    """The share of rows whose true class is to be in the set; null tells no sets."""
    method: Literal["lac", "aps"] = "lac"
    """Smallest sets on average (`lac`), or sets that grow where the model is unsure (`aps`)."""


@dataclass(frozen=True)
class Wish:
    """What is wanted of the answers to one target."""

    decision: DecisionRule | None = None
    """Without its threshold where that is still to be chosen."""
    coverage: float | None = None
    """Of intervals around numbers."""
    sets: SetOptions | None = None

    @property
    def needs_rows(self) -> bool:
        """Whether something is to be chosen, or measured, on validation rows."""
        return self.covered is not None or (self.decision is not None and not is_whole(self.decision))

    @property
    def covered(self) -> float | None:
        """The share of rows that intervals, or sets, are to cover."""
        return self.coverage if self.sets is None else self.sets.coverage


def wish_of(decision: DecisionOptions, intervals: IntervalOptions, sets: SetOptions, target: Target) -> Wish:
    """Hold what config says against the target; raises ConfigError where that is of another task, or has no such class."""
    if intervals.coverage is not None and target.classes:
        raise _bad(
            "intervals.coverage", f"is for numbers, and the target '{target.name}' is a class; sets.coverage is for it"
        )
    if sets.coverage is not None and not target.classes:
        raise _bad(
            "sets.coverage", f"is for classes, and the target '{target.name}' is a number; intervals.coverage is for it"
        )
    wanted = None if sets.coverage is None else sets
    return Wish(wished(decision, target) if decision.ways else None, intervals.coverage, wanted)


def wished(options: DecisionOptions, target: Target) -> DecisionRule:
    """Return the rule that config says, without its threshold where that is still to be chosen.

    Raises ConfigError where the target is of another task, or has no such class.
    """
    (by,) = options.ways
    if target.task == "regression":
        raise _bad(f"decision.{by}", f"is for classes, and the target '{target.name}' is a number")
    if by != "costs" and target.task == "multiclass":
        told = f"is for two classes, and '{target.name}' has {len(target.classes)}: say decision.costs"
        raise _bad(f"decision.{by}", told)
    costs = _matrix(options.costs, target) if by == "costs" else ()
    positive = 1 if options.positive is None else _code(options.positive, target, "decision.positive")
    wanted = {"precision": options.precision, "recall": options.recall}.get(by)
    return DecisionRule(by, options.threshold, positive, costs, wanted)


def is_whole(rule: DecisionRule) -> bool:
    """Tell whether a rule decides without that a threshold be chosen: a threshold that is said, or costs of many classes."""
    return rule.threshold is not None or len(rule.costs) > 2


def _matrix(costs: Mapping[Label, Mapping[Label, float]], target: Target) -> tuple[tuple[float, ...], ...]:
    said = {
        (_code(true, target, "decision.costs"), _code(answer, target, f"decision.costs.{label_text(true)}")): cost
        for true, answers in costs.items()
        for answer, cost in answers.items()
    }
    codes = range(len(target.classes))
    return tuple(tuple(float(said.get((true, answer), true != answer)) for answer in codes) for true in codes)


def _code(label: Label, target: Target, path: str) -> int:
    labels = [label_text(one) for one in target.classes]
    if label_text(label) not in labels:
        shown = ", ".join(f"'{one}'" for one in labels[:10])
        raise _bad(path, f"'{label_text(label)}' is not a class of '{target.name}', which has {shown}")
    return labels.index(label_text(label))


def _bad(path: str, message: str) -> ConfigError:
    return ConfigError("bad config", [Problem(path, message)])
