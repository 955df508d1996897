"""How one model stands, in a few facts that are read fast, however much is on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hookline.workspace.catalog.catalog import Catalog

from ..deploying.policies import is_settled, words_of
from .glance import Glance


@dataclass(frozen=True)
class ModelCard:
    """How a model stands."""

    model: str
    version: int
    """The one in charge."""
    newest: int
    answers: str
    """Who answers, in words."""
    rollout: bool
    """Whether a rollout is going on."""
    since: datetime | None
    """When the policy in force came into force; None where there never was one."""
    alarms: int
    """Open ones."""
    acknowledged: int
    """Those of them that somebody knows of."""
    critical: int
    """Those of them that are critical and nobody knows of."""
    requests: int
    """Answered since the policy came into force, by servers."""
    errors: int
    heard: datetime | None
    """When a server was heard last."""
    watched_on: str | None
    """The machine that watches; None where nobody does."""
    looked: datetime | None
    """Up to when its answers were looked at."""


def card_of(catalog: Catalog, glance: Glance, model: str, newest: int) -> ModelCard:
    """Return how a model stands. newest: the number of its newest version"""
    policy = glance.policies.get(model)
    number = (policy and policy.number) or 0
    seen = catalog.sightings.of(model, number) if glance.has("sightings", model) else []
    alarms = catalog.alarms.of(model) if glance.has("alarms", model) else []
    looked = catalog.windows.ends(model).values() if glance.has("windows", model) else ()
    return ModelCard(
        model=model,
        version=newest if policy is None else policy.version,
        newest=newest,
        answers=f"v{newest} answers everything, the newest" if policy is None else words_of(policy),
        rollout=policy is not None and not is_settled(policy),
        since=None if policy is None else policy.since,
        alarms=len(alarms),
        acknowledged=sum(alarm.acked_by is not None for alarm in alarms),
        critical=sum(alarm.finding.severity == "critical" and alarm.acked_by is None for alarm in alarms),
        requests=sum(one.requests for one in seen),
        errors=sum(one.errors for one in seen),
        heard=max((one.heard for one in seen if one.heard is not None), default=None),
        watched_on=catalog.watchers.who(model) if glance.has("watchers", model) else None,
        looked=max(looked, default=None),
    )
