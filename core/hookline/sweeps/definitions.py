"""Which jobs a sweep has: one for each repeat and fold of what was typed, all checked before the first one starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from hookline.errors import ConfigError, HooklineError, Problem
from hookline.plans.config import resolve
from hookline.plans.explain import explain
from hookline.plans.hydra.allowed import WRITTEN_DOWN
from hookline.plans.plan import Plan
from hookline.registry.registry import Registry
from hookline.runs.sequence import plan_run
from hookline.telling.secrets import HIDDEN

from .ledger import JobRecord, NewJob, SweepRecord

MOST_PROBLEMS = 10

Compose = Callable[[Sequence[str]], Mapping[str, Any]]
"""Overrides as they were typed -> the plain config that they mean."""


def define_jobs(
    registry: Registry, known: Sequence[NewJob], jobs_overrides: Sequence[Sequence[str]], compose: Compose
) -> list[tuple[NewJob, Plan]]:
    """Return the jobs that overrides mean, with their plans; raises ConfigError with the problems of every one that is wrong.

    known: the jobs that the sweep has already, whose numbers go on
    """
    problems: list[Problem] = []
    number, first = len(known), max((job.trial + 1 for job in known), default=0)
    made: list[tuple[NewJob, Plan]] = []
    for trial, overrides in enumerate(jobs_overrides, first):
        try:
            for whole, tree in _replicated(overrides, compose):
                config = resolve(registry, {**_undeployed(tree, overrides), "repeats": 1})  # Each repeat is a job.
                plan = plan_run(registry, config)
                refuse_hidden(config.plain())
                prints = {stage.key: stage.fingerprint for stage in plan.stages}
                made.append((NewJob(number, trial, whole, config.plain(), prints), plan))
                number += 1
        except HooklineError as error:
            problems += _problems(trial, overrides, error)
    _refuse(problems)
    return made


def _replicated(overrides: Sequence[str], compose: Compose) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield the overrides and the config of each repeat and fold of a job; what adds nothing is composed but once."""
    tree = compose(overrides)
    for more in replicates(tree):
        yield (*overrides, *more), compose([*overrides, *more]) if more else tree


def replicates(tree: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the overrides that make each repeat and fold of a job; outside of what a sweep searches."""
    repeats, seed = tree.get("repeats") or 1, tree.get("seed") or 0
    split = tree.get("split") or {}
    # A fold that was asked for is the only one.
    folds = 0 if split.get("fold") is not None else split.get("folds") or 0
    again = split.get("repeats") or 1
    if not all(isinstance(one, int) for one in (repeats, seed, folds, again)):
        yield ()  # The check of the config says what is wrong with them.
        return
    for repeat in range(max(repeats, 1)):
        for fold in range(max(folds * max(again, 1), 1)):
            seeds = (f"seed={seed + repeat}",) if repeats > 1 else ()
            yield (*seeds, *((f"split.fold={fold}",) if folds else ()))


def refuse_hidden(config: Any) -> None:
    """Raise ConfigError for a secret that was given as it is: the ledger keeps none, so no worker could go by it."""
    places = [Problem(place, WRITTEN_DOWN) for place in _hidden(config, "")]
    if places:
        raise ConfigError("bad config", places, hint="export NAME=... before the sweep")


def _hidden(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _hidden(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from _hidden(item, f"{path}.{place}")
    elif isinstance(value, str) and (value == HIDDEN or f"{HIDDEN}@" in value or f"={HIDDEN}" in value):
        yield path


def check_unchanged(registry: Registry, sweep: SweepRecord, jobs: Sequence[JobRecord]) -> None:
    """Raise ConfigError, with the difference, where a job would no longer be what the sweep was made of."""
    problems = []
    for job in jobs:
        plan = plan_run(registry, resolve(registry, job.config))
        for stage in plan.stages:
            before = job.fingerprints.get(stage.key)
            if stage.fingerprint != before:
                why = explain(stage, sweep.stages.get(before or ""))
                problems.append(Problem(f"job {job.number}, {stage.key}", why))
                break
    if problems:
        raise ConfigError(
            f"sweep {sweep.id} is no longer what it was when it began",
            problems[:MOST_PROBLEMS],
            hint="bring back what has changed, or begin a new sweep: what is still the same comes from the store",
        )


def _refuse(problems: Sequence[Problem]) -> None:
    """Raise ConfigError with the first of the problems, and how many more there are."""
    if not problems:
        return
    shown, more = list(problems[:MOST_PROBLEMS]), len(problems) - MOST_PROBLEMS
    if more > 0:
        shown.append(Problem("...", f"and {more} more"))
    raise ConfigError("nothing was run: jobs of the sweep are wrong", shown)


def _undeployed(tree: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    # Of many runs at once none should become the champion for having ended last.
    asked = any(override.lstrip("+").startswith("deployer") for override in overrides)
    return dict(tree) if asked else {**tree, "deployer": None}


def _problems(trial: int, overrides: Sequence[str], error: HooklineError) -> list[Problem]:
    where = f"job {trial} ({' '.join(overrides)})"
    if isinstance(error, ConfigError):
        return [Problem(where, str(problem)) for problem in error.problems]
    with suppress(IndexError):
        return [Problem(where, error.message.splitlines()[0])]
    return [Problem(where, type(error).__name__)]
