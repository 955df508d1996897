"""What the catalog knows of runs, stages and models, and how its rows hold it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .artifacts import Deployment, Route
from .errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import RowMapping


@dataclass(frozen=True)
class RunRecord:
    """A run as the catalog knows it."""

    id: str
    name: str
    status: str
    started: datetime
    finished: datetime | None
    path: str
    metrics: Mapping[str, float]
    error: str | None


@dataclass(frozen=True)
class StageRecord:
    """A stage of a past run."""

    run_id: str
    key: str
    component: str
    fingerprint: str
    parts: Mapping[str, Any]


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


def run_record(row: RowMapping) -> RunRecord:
    """Return the run that a row holds."""
    metrics = data_of(row["metrics"]) if row["metrics"] else {}
    finished = utc(row["finished"]) if row["finished"] else None
    return RunRecord(
        row["id"], row["name"], row["status"], utc(row["started"]), finished, row["path"], metrics, row["error"]
    )


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
    return Deployment(row["model"], routes, row["deployer"], policy["aliases"])


def data_of(text: str) -> Any:
    """Read a column of JSON; raises StoreError where it is none."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise StoreError(
            f"the catalog holds a record that cannot be read: {error}", hint="move the catalog away to begin a new one"
        ) from error


def text_of(value: Any) -> str:
    """Write a column of JSON."""
    return json.dumps(value, sort_keys=True, default=str)


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def utc(moment: datetime) -> datetime:
    """Return a time that a row holds, with its time zone."""
    # SQLite keeps no time zone; what was written is always UTC.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
