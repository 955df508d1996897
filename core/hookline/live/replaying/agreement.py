"""What a shadow answered on the side, held against what was answered to the same requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.columns import conform
from hookline.data.frames import mark_missing, to_polars
from hookline.errors import DataError
from hookline.kinds.artifacts import Schema
from hookline.kinds.deployments import Deployment
from hookline.packages.state import StoredPackage
from hookline.registry.registry import Registry
from hookline.workspace.workspace import Workspace

from ..log.predictions import predictions_in
from ..segments.moments import time_of
from .changes import Changes, Pair, changes_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Agreement:
    """How a shadow's answers differ from those that were given. version, arm: the shadow's"""

    version: int
    arm: str
    changes: Changes

    @property
    def share(self) -> float | None:
        """The share of its answers that are those that were given; None where it has none beside one that was."""
        return 1.0 - self.changes.share if self.changes.rows else None


def agreements(
    workspace: Workspace, registry: Registry, policy: Deployment, limit: int, until: datetime | None = None
) -> tuple[Agreement, ...]:
    """Return the agreement of each shadow of a policy, by the newest records since it came into force; holds `limit` of them.

    until: when it was in force no longer. Raises what reading a version's package raises.
    """
    shadows = [route for route in policy.routes if route.shadow]
    if not shadows:
        return ()
    found = replace(predictions_in(workspace, policy.model, policy.since, until), served=True).newest(limit)
    given = {one["id"]: one for one in found if one.get("of") is None and one["row"]}
    told = []
    for route in shadows:
        both = [
            (given[one["of"]], one)
            for one in found
            if one["version"] == route.version and one.get("of") in given and one.get("of") is not None
        ]
        path = Path(workspace.catalog.models.get(policy.model, route.version).path)
        stored = StoredPackage(path, registry)
        pairs = [_pair(then, now) for then, now in both]
        frame = _frame([pair.row for pair in pairs], stored.schema)
        told.append(Agreement(route.version, route.arm, changes_of(pairs, frame, stored.schema.columns, stored.target)))
    return tuple(told)


def _pair(then: Mapping[str, Any], now: Mapping[str, Any]) -> Pair:
    answers = then["prediction"], now["prediction"]
    return Pair(
        str(then["id"]), time_of(then), then["row"], *answers, then.get("probabilities"), now.get("probabilities")
    )


def _frame(rows: Sequence[Mapping[str, Any]], schema: Schema) -> pl.DataFrame | None:
    """Return rows as a version takes them; None where there are none, or some do not fit it."""
    if not rows:
        return None
    try:
        return conform(mark_missing(to_polars([dict(row) for row in rows]).lazy()).collect(), schema)
    except DataError:
        return None
