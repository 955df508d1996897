"""All that a page on one model tells: its versions, who answers what share and how fast, its promotion log and its alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hookline.kinds.plain import to_json
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.watching.alarms import Alarm, AlarmEvent
from hookline.workspace.workspace import Workspace, held_open, open_workspace

from ..deploying.history import Step, promotions
from ..deploying.status import ArmStatus, DeploymentStatus, status_of
from ..watching.acting import WatchState, alarm_history, watch_state
from ..watching.plain import plain_alarm, plain_event, plain_state
from .attention import Attention, attention_of, gravest_first
from .cards import ModelCard, card_of
from .delays import NEWEST, LabelDelay, label_delay
from .glance import Glance

MOST_EVENTS = 50


@dataclass(frozen=True)
class VersionFacts:
    """One version of a model."""

    version: int
    created: datetime
    run_id: str
    format: str
    metrics: Mapping[str, float]
    aliases: tuple[str, ...]
    in_charge: bool
    """Whether it is the one in charge."""
    asked: bool
    """Whether it answers, is asked beside, or stands by."""


@dataclass(frozen=True)
class ModelOverview:
    """How a model stands, as a whole."""

    card: ModelCard
    attention: tuple[Attention, ...]
    versions: tuple[VersionFacts, ...]
    """The newest first."""
    deployment: DeploymentStatus
    promotions: Sequence[Step]
    """The newest first."""
    alarms: Sequence[Alarm]
    """Open ones, then those that are over."""
    events: Sequence[AlarmEvent]
    """What happened to alarms, and what people did about them, the newest first."""
    watch: WatchState
    labels: LabelDelay

    @property
    def arms(self) -> Sequence[ArmStatus]:
        """How each arm did since the policy came into force."""
        return self.deployment.arms

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        plain: dict[str, Any] = {
            "card": to_json(self.card),
            "attention": [to_json(one) for one in self.attention],
            "versions": [to_json(one) for one in self.versions],
            "deployment": self.deployment.plain(),
            "promotions": [{**to_json(step.policy), "change": step.row()["change"]} for step in self.promotions],
            "alarms": [plain_alarm(one) for one in self.alarms],
            "events": [plain_event(one) for one in self.events],
            "watch": plain_state(self.watch),
            "labels": to_json(self.labels),
        }
        return plain


def model_overview(model: str, *, home: str | Path | None = None) -> ModelOverview:
    """Return how a model stands: versions, traffic by arm, promotion log, alarms; raises UnknownName."""
    return model_in(load_registry(), open_workspace(home), model)


def model_in(registry: Registry | None, workspace: Workspace, model: str) -> ModelOverview:
    """Return the same for who has a workspace already. registry: None does not ask the deployer what comes next"""
    catalog = workspace.catalog
    catalog.models.require_known(model)
    versions, glance = _versions(catalog, model), Glance.at(catalog, model)
    with held_open(workspace):
        promoted, events = (
            promotions(model, home=workspace.home),
            alarm_history(model, limit=MOST_EVENTS, home=workspace.home),
        )
        watch = watch_state(model, home=workspace.home)
    return ModelOverview(
        card_of(catalog, glance, model, versions[0].version),
        gravest_first(attention_of(catalog, glance, model)),
        versions,
        status_of(registry, workspace, model, 0),
        promoted,
        [*catalog.alarms.of(model, "open"), *catalog.alarms.of(model, "closed")],
        events,
        watch,
        label_delay(catalog.windows.marks(model, NEWEST)),
    )


def _versions(catalog: Catalog, model: str) -> tuple[VersionFacts, ...]:
    """Return a model's versions, the newest first."""
    records, aliases = catalog.models.versions(model), catalog.models.aliases(model)
    policy = catalog.deployments.current(model)
    charge = records[0].version if policy is None else policy.version
    routed = {charge} if policy is None else {route.version for route in policy.routes}
    return tuple(
        VersionFacts(
            one.version,
            one.created,
            one.run_id,
            one.format,
            one.metrics,
            tuple(sorted(alias for alias, version in aliases.items() if version == one.version)),
            one.version == charge,
            one.version in routed,
        )
        for one in records
    )
