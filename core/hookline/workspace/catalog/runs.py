"""What the catalog knows of runs and their stages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .values import data_of, utc

if TYPE_CHECKING:
    from sqlalchemy import RowMapping


def is_alive(pid: int) -> bool:
    """Tell whether a process of this machine is running."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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


def run_record(row: RowMapping) -> RunRecord:
    """Return the run that a row holds."""
    metrics = data_of(row["metrics"]) if row["metrics"] else {}
    finished = utc(row["finished"]) if row["finished"] else None
    return RunRecord(
        row["id"], row["name"], row["status"], utc(row["started"]), finished, row["path"], metrics, row["error"]
    )
