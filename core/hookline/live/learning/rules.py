"""By what rules a model is retrained: how, when, within which bounds, and what a challenger has to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

from hookline.kinds.component import COMPONENT

from ..log.times import Span

CANARY: Mapping[str, Any] = {COMPONENT: "canary", "answers": None}
"""One that need not answer as the champion does: it has won since it does not."""
Policy = Literal["batch", "incremental", "online"]


@dataclass(frozen=True)
class When:
    """What opens a retraining where nobody does it by hand; nothing unless it is said."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    finding: tuple[str, ...] = ()
    """Monitors whose open alarms do, such as `concept_drift`, or `concept_drift:COLUMN`; `all` for every one."""
    every: Span | None = None
    """So long after the last one began, or the champion was made."""
    labels: Annotated[int, Gt(0)] | None = None
    """Once so many labels came that no retraining has used."""


@dataclass(frozen=True)
class Trial:
    """What a challenger has to show on rows that neither it nor the champion has seen."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    loss: Literal["auto", "mistakes", "brier", "squared", "absolute"] = "auto"
    """What is compared, row by row; auto: mistakes of classes, squared errors of numbers."""
    risk: Annotated[float, Interval(gt=0, lt=1)] = 0.02
    """How probable it may be at most that any challenger of one champion is promoted though it is no better."""
    least: Annotated[int, Ge(1)] = 100
    """Rows before there is a verdict."""
    most: Annotated[int, Ge(1)] = 20_000
    """Rows after which a test without a verdict ends."""
    patience: Span = "30d"
    """The same by time."""


@dataclass(frozen=True)
class Guards:
    """Within which bounds a model is retrained."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    least: Annotated[int, Ge(1)] = 200
    """Rows with their truth that nothing has learned yet, below which there is nothing to retrain on."""
    lag: Span = "0s"
    """Rows that were answered later than so long ago are no truth yet: labels that come early are not like the others."""
    exploration: Annotated[float, Interval(ge=0, le=1)] = 0.02
    """The share of each answer's rows that must have labels where another answer's have five times as many."""
    on_censored: Literal["refuse", "warn", "off"] = "refuse"
    """What happens where there are fewer, so that answers decide which labels come."""
    failures: Annotated[int, Ge(1)] = 3
    """So many in a row that came to nothing, and no further one is opened but by hand."""
    a_week: Annotated[int, Ge(1)] = 7
    """So many are opened in seven days at most, but by hand."""
    seconds: Annotated[float, Gt(0)] | None = None
    """How long making a challenger may take."""


@dataclass(frozen=True)
class RetrainRules:
    """How a model is retrained; the section `retrain` of the home's `settings.yaml` says it, and options of the command."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    policy: Policy = "batch"
    """batch: the run that made the champion, again on more rows; incremental: the champion learns the new rows at once;
    online: it learns them a micro-batch at a time."""
    rows: Literal["auto", "all", "source", "log"] = "auto"
    """Of batch: the source's rows as they are now, those on record with their truth, or all; auto: all that there are."""
    window: Span | None = None
    """Of batch: only rows on record that were answered within so long."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """Of batch: fields of the run's source that are otherwise now."""
    batch: Annotated[int, Gt(0)] = 100
    """Of online: rows that are learned at once."""
    checkpoint: Annotated[int, Gt(0)] = 10
    """Of online: after how many of them what was learned is put on disk."""
    keep: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    """The share of the rows on record that no retraining learns: a challenger that is worse on them is refused at once."""
    when: When = field(default_factory=When)
    trial: Trial = field(default_factory=Trial)
    guards: Guards = field(default_factory=Guards)
    then: str | Mapping[str, Any] = field(default_factory=lambda: dict(CANARY))
    """The deployer, by name or with its fields, that a challenger which won is put in force by; `none`: a person promotes it."""
