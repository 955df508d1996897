"""A real `hookline serve` process, and what is asked of it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import numpy as np
import polars as pl
import psutil
import uvicorn

import hookline as hl
from kit.places import at
from kit.processes import HOOKLINE, heard, started

ROW = {"amount": 12.5, "visits": 3, "plan": "gold", "active": True, "joined": "2024-01-03T10:00:00"}
"""A row that the model of `train_churn` takes."""


def train_churn() -> Path:
    """Train a small model at the home of the environment, and return its package."""
    rng = np.random.default_rng(0)
    size = 240
    start = pl.datetime(2024, 1, 1)
    rows = pl.DataFrame(
        {
            "customer": [f"c{i}" for i in range(size)],
            "amount": rng.normal(10, 3, size),
            "visits": rng.integers(0, 9, size),
            "plan": rng.choice(["basic", "gold", "silver"], size),
            "active": rng.random(size) > 0.5,
            "joined": pl.select(pl.datetime_range(start, start + pl.duration(hours=size - 1), "1h")).to_series(),
        }
    ).with_columns(label=pl.when(pl.col("amount") + pl.col("visits") > 14).then(pl.lit("yes")).otherwise(pl.lit("no")))
    run = hl.run(
        source=rows,
        roles={"target": "label", "id": "customer"},
        featurizer={"component": "tabular", "missing": "zero"},
        trainer="logistic_regression",
        packager=["onnx"],
        name="churn",
    )
    return run.package("onnx")


@dataclass(frozen=True)
class Server:
    """A running server, and where it keeps its record."""

    url: str
    process: subprocess.Popen[str]
    log: Path | None

    def post(self, body: Any, path: str = "/predict") -> httpx.Response:
        """Post a body as JSON."""
        return httpx.post(self.url + path, json=body, timeout=20)

    def predict(self, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the predictions for rows, which must all be answered."""
        response = self.post({"rows": rows})
        assert response.status_code == 200, response.text
        predictions: list[dict[str, Any]] = response.json()["predictions"]
        return predictions

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer, where there are several."""
        return psutil.Process(self.process.pid).children()

    def records(self) -> list[dict[str, Any]]:
        """Return what stands in the prediction log."""
        assert self.log is not None
        return [
            json.loads(line)
            for path in sorted(self.log.glob("*.ndjson"))
            for line in path.read_text("utf-8").splitlines()
        ]


@contextmanager
def serving(
    model: Path | str, home: Path | None = None, log: Path | None = None, *options: str | Path, **more: str
) -> Iterator[Server]:
    """Serve a package, or a model by its name, at a free port, until the block ends; more: of the environment."""
    command = [HOOKLINE, "serve", str(model), "--port", "0", *(["--log", str(log)] if log else []), *map(str, options)]
    with started(command, seconds=1200, env=(at(home) if home else dict(os.environ)) | more) as process:
        said = heard(process, "answers at ")
        try:
            yield Server(re.findall(r"answers at (https?://\S+)", said)[-1], process, log)
        finally:
            process.kill()


@contextmanager
def asking(app: Any, *, raises: bool = True) -> Iterator[Callable[..., httpx.Response]]:
    """Ask an application in this process: method, path and what else httpx takes. raises: let out what a server would log"""
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app, raises), base_url="http://model")
        yield lambda *asked, **more: runner.run(client.request(*asked, **more))
        runner.run(client.aclose())


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """Serve an application from a thread of this process, for clients that want an address, until the block ends."""
    with closing(socket.create_server(("127.0.0.1", 0))) as open_at:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
        thread = Thread(target=server.run, kwargs={"sockets": [open_at]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{open_at.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
