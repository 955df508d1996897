"""What would change if a version were put in force, with the prediction log played through it first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.deployments import Deployment, Trust
from hookline.kinds.plain import to_json
from hookline.packages.manifest import verify
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace

from ..log.predictions import Moment
from ..replaying.replay import Replay, replay
from .applying import propose
from .bounds import LIMIT, SINCE
from .choosing import Choice
from .naming import version_named
from .policies import rows_of, words_of
from .weighing import notes_on


@dataclass(frozen=True)
class DeploymentPlan:
    """What would be in force, and what the version would have answered lately."""

    model: str
    version: int
    before: Deployment | None
    after: Deployment | None
    """None where the deployer does not take the version."""
    deployer: str
    objections: tuple[str, ...]
    merit: str
    """Why it may take over; empty where there is no version to take over from."""
    notes: tuple[str, ...]
    """What rows it takes otherwise than the version in charge."""
    replay: Replay | None
    """None where the log was not to be played."""

    @property
    def is_change(self) -> bool:
        """Whether anything would change."""
        return self.after is not None and not self.after.is_same_policy(self.before)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row an arm: version, arm, and its share of the requests now and then."""
        return rows_of(self.before, self.after)

    def words(self) -> str:
        """Return what would change in a line."""
        if self.after is None:
            return f"deployer '{self.deployer}' does not take v{self.version}: {words_of(self.before)}, as now"
        if not self.is_change:
            return f"nothing changes: {words_of(self.before)}"
        return f"{words_of(self.before)}  ->  {words_of(self.after)}"

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        told: dict[str, Any] = to_json(self)
        return {**told, "words": self.words(), "rows": self.rows}


def plan_deployment(
    version: str,
    deployer: Choice = None,
    *,
    since: Moment = SINCE,
    limit: int = LIMIT,
    trust: Trust | None = None,
    home: str | Path | None = None,
) -> DeploymentPlan:
    """Return what putting a model's version (`"churn:3"`) in force would change; records nothing.

    deployer: a name, a mapping with `component` and its fields, or a deployer; None: as it is now
    since, limit: the newest answers of other versions on record that are played through it; limit 0 plays none
    Raises UsageError where no version is said, ConfigError for fields, StoreError for a damaged package.
    """
    if limit < 0:
        raise UsageError(f"limit must be 0 or more, got {limit}", hint="--limit 10000")
    registry, workspace = load_registry(), open_workspace(home)
    record = version_named(workspace.catalog, version, "plan")
    manifest = verify(Path(record.path))
    current = workspace.catalog.deployments.current(record.name)
    made = propose(registry, workspace, record, manifest, deployer, current)
    return DeploymentPlan(
        model=record.name,
        version=record.version,
        before=current,
        after=made.policy,
        deployer=made.deployer.name,
        objections=made.standing.objections,
        merit=made.standing.merit,
        notes=notes_on(registry, record, made.champion),
        replay=replay(workspace, registry, record, since, limit, trust) if limit else None,
    )
