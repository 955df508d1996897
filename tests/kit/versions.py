"""A model of a few versions, made of one package, the policies over them, and clients that keep what they were answered."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from hookline.kinds.deployments import LIVE, Deployment, Route
from hookline.live.records import records_in
from hookline.workspace.workspace import Workspace, open_workspace
from kit.packages import reseal
from kit.serving import ROW

MODEL = "churn"
MOST_REQUESTS = 100
"""Of a client on one connection: where one process was busy as all of them connected, the others get some in their turn."""
MOODY = """
import os, time
import numpy as np
from pathlib import Path
from hookline import Package, Packager, Pipeline, Prediction, Predictor, Stored, Trust, hookimpl

class Moody:
    def __init__(self, stored):
        self.schema, self.roles, self.target = stored.schema, stored.roles, stored.target

    def predict(self, frame):
        rows, mood = frame.lazy().collect().height, open(os.environ["MOOD"]).read()
        if mood == "raises":
            raise RuntimeError("a bad mood")
        if mood == "hangs":
            time.sleep(3600)
        if mood == "dies":
            os._exit(9)
        if mood == "misshapen":
            rows += 1
        labels = np.array([self.target.classes[0]] * rows)
        return Prediction(labels, np.tile([1.0, 0.0], (rows, 1)), self.target.classes)

class MoodyPackager(Packager):
    \"\"\"A model that does what stands in the file that MOOD names.\"\"\"

    name = "moody"

    def save(self, pipeline: Pipeline, path: Path) -> Package:
        return Package(path, self.name)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        return Moody(stored)

@hookimpl
def register_packagers():
    return [MoodyPackager]
"""
"""A project module whose packager reads back a model that raises, hangs, dies, or answers with another shape."""


def registered(package: Path, home: Path, count: int = 3) -> Workspace:
    """Register a package as so many versions of its model, each in a folder of its own, and put the first in charge."""
    workspace = open_workspace(home)
    for _ in range(count):
        register(workspace, package)
    put(workspace, 1)
    return workspace


def register(workspace: Workspace, package: Path, packager: str = "onnx") -> int:
    """Register a copy of a package as the next version, read back by another packager where one is named."""
    number = len(workspace.catalog.models.versions(MODEL)) + 1 if workspace.catalog.models.has(MODEL) else 1
    folder = workspace.home / "models" / MODEL / f"{number:016}"
    shutil.copytree(package, folder)
    if packager != "onnx":
        reseal(folder, {"packager": packager, "packager_config": {}})
    return workspace.catalog.models.register(MODEL, "run", str(folder), packager, {}, f"{number:064}")


def put(workspace: Workspace, version: int, beside: int | None = None, weight: float = 0.5) -> Deployment:
    """Put a version in charge, and another beside it for a share of requests; returns the policy as the catalog has it."""
    canary = () if beside is None else (Route(beside, weight, arm="canary"),)
    routes = (Route(version, 1 - weight if canary else 1.0, arm=LIVE), *canary)
    workspace.catalog.deployments.record(Deployment(MODEL, version, routes, "local"), "somebody says so")
    found = workspace.catalog.deployments.current(MODEL)
    assert found is not None
    return found


def put_in_shadow(
    workspace: Workspace, version: int, beside: int, weight: float = 1.0, key: str | None = None
) -> Deployment:
    """Put a version in charge, and have another asked in its shadow; returns the policy."""
    routes = (Route(version, 1.0), Route(beside, weight, shadow=True, arm="shadow"))
    made = Deployment(MODEL, version, routes, "local", key=key)
    workspace.catalog.deployments.record(made, "somebody says so")
    return made


@dataclass
class Answers:
    """What clients were answered, by several threads: id -> the version that is told with it, and what went wrong."""

    versions: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    broken: int = 0
    """Connections that ended without an answer."""
    slowest: float = 0.0

    def ask(self, client: httpx.Client) -> int | None:
        """Ask for a row, and return the version that answered; None where the connection broke."""
        since = time.perf_counter()
        try:
            found = client.post("/predict", json=ROW)
        except httpx.TransportError:
            self.broken += 1
            return None
        self.slowest = max(self.slowest, time.perf_counter() - since)
        if found.status_code != 200:
            self.faults.append(found.text)
            return None
        told = json.loads(found.content)
        version = int(told["version"])
        self.versions |= {one["id"]: version for one in told["predictions"]}
        return version

    def missing(self, log: Path) -> list[str]:
        """Say which answers are not on record exactly once, by the version that was told; [] where all are."""
        found = records_in(log)
        records = [] if found is None else found.found
        count = Counter(record["id"] for record in records)
        version = {record["id"]: record["version"] for record in records}
        wrong = [f"{one} is on record {count[one]} times" for one in self.versions if count[one] != 1]
        return wrong + [
            f"{one} is of version {version[one]} on record, and {told} was told"
            for one, told in self.versions.items()
            if version.get(one, told) != told
        ]


@contextmanager
def load(urls: Callable[[], str | None], clients: int = 8, pause: float = 0.0) -> Iterator[Answers]:
    """Have clients ask again and again, each on connections of its own, until the block ends.

    urls: where to ask at this moment; None: nowhere
    """
    answers, ended = Answers(), threading.Event()

    def go_on() -> None:
        while not ended.is_set():
            url = urls()
            if url is None:
                time.sleep(0.01)
                continue
            with httpx.Client(base_url=url, timeout=30) as client:
                for _ in range(MOST_REQUESTS):
                    if ended.is_set() or url != urls():
                        break
                    if answers.ask(client) is None:
                        time.sleep(0.01)
                    time.sleep(pause)

    threads: Sequence[threading.Thread] = [threading.Thread(target=go_on) for _ in range(clients)]
    for one in threads:
        one.start()
    try:
        yield answers
    finally:
        ended.set()
        for one in threads:
            one.join()


def until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait for something to hold, and tell whether it came to."""
    ends = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < ends:
        time.sleep(0.02)
    return held
