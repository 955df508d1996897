"""Runs that are to be sent: a file each in the home, in the order in which they began, until a server has taken it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.errors import StoreError, UnknownName
from hookline.kinds.hooks import RunInfo
from hookline.runs.result import read_evidence
from hookline.workspace.files import is_temporary, write_whole
from hookline.workspace.workspace import open_workspace

from .settings import MlflowSettings

FOLDER = "outbox/mlflow"
LOCK = ".lock"
DIGITS = 20
"""Of the time that a file's name begins with, so that names sort by it."""


@dataclass(frozen=True)
class Entry:
    """A run that is to be sent. order: all that is said of it; without `run` it had not ended when this was written"""

    path: Path
    order: Mapping[str, Any]

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return str(self.order["id"])


@dataclass(frozen=True)
class Outbox:
    """The runs of a home that are to be sent. Only who may read the home's secrets reads them: a URL may hold a password."""

    home: Path

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self.home / FOLDER

    def begin(self, run: RunInfo, settings: MlflowSettings) -> None:
        """Note that a run has begun, so that one that is killed is sent as well."""
        self._write(run.id, _place(run, settings))

    def end(self, run: RunInfo, settings: MlflowSettings) -> None:
        """Note what is to be sent of a run that has ended."""
        self._write(run.id, {**_place(run, settings), **_told(run)})

    def entries(self) -> list[Entry]:
        """Return what can be sent, in order: runs that have ended, however they did; raises StoreError for a damaged file."""
        found = [entry for path in self._files() if (entry := self._read(path)) is not None]
        return [whole for entry in found if (whole := self._whole(entry)) is not None]

    @property
    def lock(self) -> Path:
        """The file that who sends holds, so that no two processes send one thing at once."""
        return self.folder / LOCK

    def _files(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.glob("*.json") if not is_temporary(path))

    def _write(self, run_id: str, order: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        there = [path for path in self._files() if path.stem[DIGITS + 1 :] == run_id]
        path = there[0] if there else self.folder / f"{time.time_ns():0{DIGITS}}-{run_id}.json"
        write_whole(path, json.dumps({**order, "id": run_id}, default=str))

    def _read(self, path: Path) -> Entry | None:
        """Return an entry; None of one that another process has sent meanwhile."""
        try:
            return Entry(path, json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read: {error}", hint="remove it: the run itself is kept") from None

    def _whole(self, entry: Entry) -> Entry | None:
        """Return an entry with what is to be told; None of a run that is still going on, or that nobody knows."""
        if "run" in entry.order:
            return entry
        try:
            record = open_workspace(self.home).catalog.runs.get(entry.run_id)
        except UnknownName:
            return None
        if record.status == "running":
            return None
        folder = Path(str(entry.order["path"]))
        evidence = read_evidence(folder) if (folder / "evidence.json").is_file() else {}
        config = folder / "config.json"
        told = RunInfo(
            id=record.id,
            name=record.name,
            path=folder,
            config=json.loads(config.read_text("utf-8")) if config.is_file() else {},
            settings={},
            status=record.status,
            metrics=record.metrics or {},
            evidence=evidence,
            error=record.error,
        )
        return Entry(entry.path, {**entry.order, **_told(told)})


def _place(run: RunInfo, settings: MlflowSettings) -> dict[str, Any]:
    """Return where a run is to be sent. Relative paths of a store are meant from where the run was started."""
    return {
        "path": str(run.path),
        "time": int(time.time() * 1000),
        "cwd": str(Path.cwd()),
        "tracking_uri": settings.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI"),
        "experiment": settings.experiment or run.name,
        "log_package": settings.log_package,
    }


def _told(run: RunInfo) -> dict[str, Any]:
    """Return what is said of a run that has ended, as plain data."""
    plan = run.evidence.get("plan", [])
    seconds = {stage.key: stage.seconds for stage in run.stages if stage.status == "ran"}
    return {
        "run": {"id": run.id, "name": run.name, "status": run.status, "error": run.error},
        "config": run.config,
        "metrics": run.metrics,
        "seconds": seconds,
        "data": run.evidence.get("data"),
        "packages": {one["key"].partition(".")[2]: one["fingerprint"] for one in plan if one["kind"] == "packager"},
    }
