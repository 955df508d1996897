"""What people do about retrainings: open one, watch for what opens one, look at them, and stop one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from hookline.errors import UsageError
from hookline.kinds.deployments import Trust
from hookline.registry.registry import load_registry
from hookline.workspace.catalog.retrainings import Retraining
from hookline.workspace.processes.owners import person

from ..deploying.naming import workspace_of
from .holding import alone, go_on
from .letters import send
from .retrainer import Look, Retrainer
from .rules import RetrainRules
from .settings import rules_for


@dataclass(frozen=True)
class RetrainState:
    """How a model's retraining stands."""

    model: str
    rules: RetrainRules
    host: str | None
    """The machine that retrains, or watches for what opens it; None where none does."""
    under_way: Retraining | None
    opens: str | None
    """What would open one now."""
    held: tuple[str, ...]
    """What keeps it from that, or from being retrained so at all."""
    fresh: int
    """Rows on record with their truth that the champion has not learned."""


def retrain(
    model: str,
    policy: str | None = None,
    *,
    why: str | None = None,
    who: str | None = None,
    rules: Mapping[str, Any] | None = None,
    trust: Trust | None = None,
    home: str | Path | None = None,
) -> Retraining:
    """Retrain a model now, and return how that stands: a challenger waits for labels that it has not seen, to be tested on.

    policy: batch, incremental or online; rules: more of the section `retrain` of `settings.yaml`, over it
    Raises UnknownName, ConfigError for rules, and UsageError where the model cannot be retrained so, one is under way, another
    process is at it, or there is too little to learn.
    """
    retrainer = _retrainer(model, {**(rules or {}), **({} if policy is None else {"policy": policy})}, trust, home)
    with alone(retrainer.workspace, model):
        made = retrainer.by_hand(who or person(), why)
    send(retrainer.workspace, retrainer.registry, model)
    return made


def look(
    model: str,
    *,
    rules: Mapping[str, Any] | None = None,
    trust: Trust | None = None,
    home: str | Path | None = None,
) -> Look:
    """Look once whether a model is to be retrained, by an alarm, the time or labels, and carry on what is under way."""
    retrainer = _retrainer(model, rules or {}, trust, home)
    with alone(retrainer.workspace, model):
        looked = retrainer.look()
    send(retrainer.workspace, retrainer.registry, model)
    return looked


def watch_retraining(
    model: str,
    *,
    every: timedelta = timedelta(minutes=1),
    rules: Mapping[str, Any] | None = None,
    trust: Trust | None = None,
    tell: Callable[[Look], None] | None = None,
    home: str | Path | None = None,
) -> NoReturn:
    """Look again and again whether a model is to be retrained, until interrupted; another process stands by meanwhile.

    every: how often; tell: called after each look
    """
    retrainer = _retrainer(model, rules or {}, trust, home)
    rules_for(model, retrainer.workspace.home, retrainer.said)
    go_on(retrainer, every.total_seconds(), tell or (lambda looked: None))


def retrainings(model: str, *, limit: int | None = None, home: str | Path | None = None) -> list[Retraining]:
    """Return a model's retrainings, the newest first, with what opened each and what became of it. Raises UnknownName."""
    return list(workspace_of(model, home).catalog.retrainings.of(model, limit))


def retrain_state(
    model: str, *, rules: Mapping[str, Any] | None = None, home: str | Path | None = None
) -> RetrainState:
    """Return how a model's retraining stands: what is under way, what would open one and what keeps it from that."""
    retrainer = _retrainer(model, rules or {}, None, home)
    catalog = retrainer.workspace.catalog
    opener = retrainer.opener()
    opening, unable = opener.by_itself(), retrainer.unable(opener.rules)
    held = () if opening is None else opening.objections
    return RetrainState(
        model,
        opener.rules,
        catalog.retrainers.who(model),
        catalog.retrainings.under_way(model),
        None if opening is None else str(opening.opened["said"]),
        held if unable is None else (*held, f"{unable.message} ({unable.hint})"),
        opener.fresh(),
    )


def stop_retraining(
    model: str, why: str | None = None, *, who: str | None = None, home: str | Path | None = None
) -> Retraining:
    """End the retraining that is under way; its challenger stays a version, and a rollout that has begun goes on.

    Raises UsageError where none is under way.
    """
    retrainings_ = workspace_of(model, home).catalog.retrainings
    one = retrainings_.under_way(model)
    if one is None:
        raise UsageError(f"no retraining of '{model}' is under way", hint=f"hookline retrain history {model}")
    said = f"stopped by {who or person()}" + (f": {why}" if why else "")
    return retrainings_.change(one, status="stopped", told=said)


def _retrainer(model: str, rules: Mapping[str, Any], trust: Trust | None, home: str | Path | None) -> Retrainer:
    return Retrainer(workspace_of(model, home), load_registry(), model, rules, trust)
