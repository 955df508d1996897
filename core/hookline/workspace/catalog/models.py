"""What the catalog knows of models, their versions, aliases and deployments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hookline.kinds.deployments import Deployment, Route

from .values import data_of, utc

if TYPE_CHECKING:
    from sqlalchemy import RowMapping


@dataclass(frozen=True)
class ModelRecord:
    """One version of a model."""

    name: str
    version: int
    run_id: str
    path: str
    format: str
    created: datetime
    metrics: Mapping[str, float]
    fingerprint: str


def model_record(row: RowMapping) -> ModelRecord:
    """Return the model's version that a row holds."""
    metrics = data_of(row["metrics"]) if row["metrics"] else {}
    return ModelRecord(
        row["name"],
        row["version"],
        row["run_id"],
        row["path"],
        row["format"],
        utc(row["created"]),
        metrics,
        row["fingerprint"],
    )


def deployment_of(row: RowMapping) -> Deployment:
    """Return the routing policy that a row holds."""
    policy = data_of(row["policy"])
    routes = tuple(Route(version, weight, shadow) for version, weight, shadow in policy["routes"])
    # A policy that was written before it said who is in charge gave everything to the newest.
    version = policy.get("version") or max(route.version for route in routes)
    return Deployment(
        row["model"],
        version,
        routes,
        row["deployer"],
        policy["aliases"],
        policy.get("fields", {}),
        policy.get("step", 0),
        utc(row["created"]),
        row["reason"],
    )
