"""Trials of an earlier sweep, taken for trials of a study where they are what the study would have run itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hookline.errors import HooklineError
from hookline.kinds.component import COMPONENT
from hookline.kinds.fitted import label_text
from hookline.kinds.kinds import KINDS
from hookline.sweeps.definitions import Compose, define_jobs

from .distributions import distribution_of
from .space import Numbers, Parameter, Scalar, Space
from .study import OVERRIDES, WARM

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from hookline.registry.registry import Registry
    from hookline.sweeps.ledger import JobRecord

MEASURED = ("trainer", "evaluator.")
"""What begins the keys of stages that a trial's figures hang on; all that comes before them is part of their fingerprints."""


class Outside(Exception):
    """A trial chose what the space does not hold."""


@dataclass
class Taken:
    """What became of the trials of an earlier sweep."""

    sweep: str
    trials: list[FrozenTrial] = field(default_factory=list)
    unfinished: int = 0
    outside: int = 0
    changed: int = 0

    def __str__(self) -> str:
        every = len(self.trials) + self.unfinished + self.outside + self.changed
        left = {
            "did not finish": self.unfinished,
            "chose what is not searched here": self.outside,
            "would be measured otherwise now": self.changed,
        }
        why = "".join(f"; {count} {reason}" for reason, count in left.items() if count)
        return f"warm start: {len(self.trials)} of {every} trials of sweep {self.sweep} are known already{why}"


@dataclass(frozen=True)
class Known:
    """What decides whether a trial is the same here, and what it is worth."""

    space: Space
    registry: Registry
    compose: Compose
    worth: Callable[[Sequence[JobRecord]], Sequence[float]]

    def take(self, sweep: str, jobs: Sequence[JobRecord]) -> Taken:
        """Return the trials of a sweep, those that fit as optuna's; jobs: all of the sweep."""
        taken = Taken(sweep)
        trials: dict[int, list[JobRecord]] = {}
        for job in jobs:
            trials.setdefault(job.trial, []).append(job)
        for trial, some in trials.items():
            if any(job.status != "finished" for job in some):
                taken.unfinished += 1
                continue
            try:
                params = self.space.draw(lambda parameter, job=some[0]: value_in(job, parameter))  # type: ignore[misc]  # mypy cannot infer a default
            except Outside:
                taken.outside += 1
                continue
            if not self._is_same(params, some):
                taken.changed += 1
                continue
            taken.trials.append(self._made(params, some, f"{sweep}:{trial}"))
        return taken

    def _is_same(self, params: Mapping[str, Scalar], jobs: Sequence[JobRecord]) -> bool:
        """Tell whether the trial would be judged here by the very same models and evaluators, on the same rows."""
        try:
            defined = define_jobs(self.registry, [], [self.space.overrides(params)], self.compose)
        except HooklineError:
            return False
        now = [_measured(one.fingerprints) for one, _ in defined]
        before = [_measured(job.fingerprints) for job in jobs]
        return len(now) == len(before) and all(one.items() <= two.items() for one, two in zip(now, before, strict=True))

    def _made(self, params: Mapping[str, Scalar], jobs: Sequence[JobRecord], place: str) -> FrozenTrial:
        from optuna.trial import create_trial

        known = {one.name: one for one in self.space.parameters}
        return create_trial(
            params=dict(params),
            distributions={name: distribution_of(known[name]) for name in params},
            values=list(self.worth(jobs)),
            user_attrs={OVERRIDES: self.space.overrides(params), WARM: place},
        )


def value_in(job: JobRecord, parameter: Parameter) -> Scalar:
    """Return what a job had for a parameter; raises Outside where that is not in its domain."""
    text, domain = _said(job, parameter.key), parameter.domain
    if isinstance(domain, Numbers):
        return _number(text, domain)
    place = next((place for place, known in enumerate(domain.texts) if known == text), None)
    if place is None:
        raise Outside(parameter.name)
    return domain.values[place]


def _number(text: str, domain: Numbers) -> Scalar:
    try:
        value = float(text)
    except ValueError:
        raise Outside(text) from None
    steps = 0.0 if domain.step is None or domain.log else (value - domain.low) / domain.step
    if not domain.low <= value <= domain.high or abs(steps - round(steps)) > 1e-9:
        raise Outside(text)
    if domain.whole and not value.is_integer():
        raise Outside(text)
    return int(value) if domain.whole else value


def _said(job: JobRecord, key: str) -> str:
    """Return what an override says of a key, the last one counting; else what the job's config has there."""
    found = [text.lstrip("+~").partition("=") for text in job.overrides]
    said = [value if sign else "null" for name, sign, value in found if name == key]
    if said:
        return said[-1]
    value: Any = job.config
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise Outside(key)
        value = value[part]
    if key in KINDS:
        value = value.get(COMPONENT) if isinstance(value, Mapping) else value
    return "null" if value is None else label_text(value)


def _measured(fingerprints: Mapping[str, str]) -> dict[str, str]:
    return {key: digest for key, digest in fingerprints.items() if key.startswith(MEASURED)}
