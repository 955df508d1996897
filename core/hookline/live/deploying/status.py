"""What is in force for a model, and how it does: by arm, as its servers saw it, and as its deployer judges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hookline.errors import HooklineError, UsageError
from hookline.kinds.deployments import LATENCY_BOUNDS, REFUSED, Deployment, Histogram, Route
from hookline.kinds.kinds import Deployer
from hookline.kinds.plain import to_json
from hookline.kinds.reports import Bins, ColumnProfile
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.catalog.sightings import Sighting
from hookline.workspace.workspace import Workspace, open_workspace

from ..control import Controller, deployer_of
from ..replaying.agreement import Agreement, agreements
from ..seen import seen_in
from .bounds import LIMIT
from .naming import model_named
from .policies import answering, percent, words_of

SILENT = timedelta(seconds=30)
"""A process of a server that said nothing for so long is taken to be gone."""
MOST_LABELS = 5
BESIDE = "beside"
"""How the share of an arm in the shadow begins, whose requests are those of others."""


@dataclass(frozen=True)
class ArmStatus:
    """How one arm did since the policy came into force. share: of the requests that it is to get, in words"""

    version: int
    arm: str
    share: str
    requests: int
    errors: int
    p50: float | None
    """Seconds within which half of the requests were answered; None without any."""
    p99: float | None
    answers: str
    """What was answered, in words."""

    @property
    def error_share(self) -> float | None:
        """The share of the requests that failed."""
        return self.errors / self.requests if self.requests else None


@dataclass(frozen=True)
class DeploymentStatus:
    """The policy in force, and what is known of it."""

    model: str
    policy: Deployment | None
    """None where there never was one, so that the newest version answers."""
    version: int
    """The one in charge."""
    arms: tuple[ArmStatus, ...]
    workers: int
    """Processes of servers that follow the policy and were heard lately."""
    silent: int
    """Those that were heard of no more."""
    heard: float | None
    """Seconds since the last was heard; None where nobody told anything."""
    controller: str | None
    """The machine whose process carries the rollout on."""
    following: str
    """What the deployer would do if it were asked now, in words."""
    agreements: tuple[Agreement, ...]
    """Of each shadow, with the answers that were given."""
    notes: tuple[str, ...] = ()
    refused: Mapping[int, int] = field(default_factory=dict)
    """Status -> requests that were refused before any version answered, since the policy came into force."""

    @property
    def refused_share(self) -> str:
        """Return how many of all requests were refused, in words; empty where none was."""
        count = sum(self.refused.values())
        if not count:
            return ""
        among = count + sum(arm.requests for arm in self.arms if not arm.share.startswith(BESIDE))
        return f"{percent(count / among)} of {among:,} requests were refused before a version answered"

    @property
    def refused_words(self) -> str:
        """Return how many of all requests were refused, and why; empty where none was."""
        why = ", ".join(f"{number:,} with {status} ({REFUSED[status]})" for status, number in self.refused.items())
        return f"{self.refused_share}: {why}" if self.refused_share else ""

    def words(self) -> str:
        """Return who answers, in a line."""
        if self.policy is None:
            return f"v{self.version} answers everything, the newest: no policy was ever put in force"
        return words_of(self.policy)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        told: dict[str, Any] = to_json(self)
        return {**told, "words": self.words()}


def deployment(model: str, *, limit: int = LIMIT, home: str | Path | None = None) -> DeploymentStatus:
    """Return what is in force for a model, and how each arm did since.

    limit: records of the log, the newest, by which shadows are held against the answers given; 0: they are not
    Raises UnknownName, and UsageError for a limit below 0.
    """
    if limit < 0:
        raise UsageError(f"limit must be 0 or more, got {limit}", hint="--limit 10000")
    return status_of(load_registry(), open_workspace(home), model, limit)


def status_of(registry: Registry | None, workspace: Workspace, model: str, limit: int) -> DeploymentStatus:
    """Return the same for who has a workspace already. registry: None leaves out what deployers and packages would say"""
    catalog = workspace.catalog
    name = model_named(catalog, model, "deploy status")
    policy = catalog.deployments.current(name)
    version = catalog.models.get(name).version if policy is None else policy.version
    sightings = catalog.sightings.of(name, (policy and policy.number) or 0)
    clock = catalog.database.clock()
    ages = [clock - one.heard for one in sightings if one.heard is not None]
    workers = {one.worker for one in sightings if one.heard is not None and clock - one.heard < SILENT}
    notes: list[str] = []
    return DeploymentStatus(
        model=name,
        policy=policy,
        version=version,
        arms=arms_of(policy or Deployment.single(name, version, ""), sightings),
        workers=len(workers),
        silent=len({one.worker for one in sightings} - workers),
        heard=max(0.0, min(ages).total_seconds()) if ages else None,
        controller=catalog.controllers.who(name),
        following="" if registry is None else _following(workspace, registry, policy),
        agreements=() if registry is None else _agreements(workspace, registry, policy, limit, notes),
        notes=tuple(notes),
        refused=catalog.sightings.refused(name, (policy and policy.number) or 0),
    )


def arms_of(policy: Deployment, sightings: Sequence[Sighting]) -> tuple[ArmStatus, ...]:
    """Return each arm of a policy, whether somebody saw it or not, and those that were seen beside."""
    routes = {(route.version, route.arm): route for route in policy.routes}
    seen: dict[tuple[int, str], list[Sighting]] = {key: [] for key in routes}
    for one in sightings:
        seen.setdefault((one.version, one.arm), []).append(one)
    shares = {(route.version, route.arm): percent(share) for route, share in answering(policy).items()}
    return tuple(_arm(key, shares.get(key) or _beside(routes.get(key)), found) for key, found in seen.items())


def _beside(route: Route | None) -> str:
    if route is None:
        return ""
    return f"{BESIDE}, {percent(route.weight)}" if route.shadow and route.weight else "stands by"


def _arm(key: tuple[int, str], share: str, found: Sequence[Sighting]) -> ArmStatus:
    requests, errors = (sum(getattr(one, name) for one in found) for name in ("requests", "errors"))
    counts = tuple(map(sum, zip(*(one.latency for one in found), strict=True)))
    took = Histogram(LATENCY_BOUNDS, counts or (0,))
    answers = [seen.answers for seen in seen_in(found).values()]
    told = _answers(answers[0]) if answers else ""
    return ArmStatus(*key, share, requests, errors, took.quantile(0.5), took.quantile(0.99), told)


def _answers(answers: ColumnProfile | None) -> str:
    """Return a distribution of answers in words: the shares of the labels, or the bin that half of the answers reach."""
    if answers is None or not answers.count:
        return ""
    if answers.bins is None:
        told = [f"{label} {percent(count / answers.count)}" for label, count in answers.top[:MOST_LABELS] if count]
        return ", ".join(told)
    ends = [_reached(answers.bins, share) for share in (0.1, 0.5, 0.9)]
    return f"{answers.name}: {' / '.join(f'{end:.3g}' for end in ends)} (10 / 50 / 90 %)"


def _reached(bins: Bins, share: float) -> float:
    """Return the upper edge of the bin in which a share of the values is reached."""
    wanted, reached = share * sum(bins.counts), 0
    for edge, count in zip(bins.edges[1:], bins.counts, strict=True):
        reached += count
        if reached >= wanted:
            return edge
    return bins.edges[-1]


def _following(workspace: Workspace, registry: Registry, policy: Deployment | None) -> str:
    """Ask the deployer what comes next, with all that the controller would ask it with, and say it."""
    if policy is None:
        return "there is no deployer to ask"
    try:
        deployer = deployer_of(registry, policy)
    except HooklineError as error:
        return f"deployer '{policy.deployer}' cannot be asked: {error.message}"
    if type(deployer).follow is Deployer.follow:
        return f"deployer '{policy.deployer}' never goes on by itself"
    seen = Controller(workspace, registry, policy.model).seen(policy)
    try:
        following = deployer.follow(policy, seen, datetime.now(UTC))
    except Exception as error:  # noqa: BLE001  a deployer may raise anything, and all else is told
        return f"deployer '{policy.deployer}' fails: {type(error).__name__}: {error}"
    if following is None or following.is_same_policy(policy):
        return "things stay as they are"
    return f"{words_of(following)}: {following.reason}"


def _agreements(
    workspace: Workspace, registry: Registry, policy: Deployment | None, limit: int, notes: list[str]
) -> tuple[Agreement, ...]:
    if policy is None or not limit:
        return ()
    asked, until = _with_shadows(workspace, policy)
    try:
        return agreements(workspace, registry, asked, limit, until)
    except HooklineError as error:
        notes.append(f"shadows cannot be held against the answers given: {error.message}")
        return ()


def _with_shadows(workspace: Workspace, policy: Deployment) -> tuple[Deployment, datetime | None]:
    """Return the policy whose shadows are meant, and until when: the one before where the present one ended them."""
    if policy.step and not any(route.shadow for route in policy.routes):
        former = workspace.catalog.deployments.history(policy.model)[1:2]
        if former and any(route.shadow for route in former[0].routes):
            return former[0], policy.since
    return policy, None
