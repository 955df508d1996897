"""A real `hookline serve` process, and what is asked of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from kit.places import at
from kit.processes import HOOKLINE, heard, started


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

    def records(self) -> list[dict[str, Any]]:
        """Return what stands in the prediction log."""
        assert self.log is not None
        return [
            json.loads(line)
            for path in sorted(self.log.glob("*.ndjson"))
            for line in path.read_text("utf-8").splitlines()
        ]


@contextmanager
def serving(model: Path | str, home: Path | None = None, log: Path | None = None) -> Iterator[Server]:
    """Serve a package, or a model by its name, at a free port, until the block ends."""
    command = [HOOKLINE, "serve", str(model), "--port", "0", *(["--log", str(log)] if log else [])]
    with started(command, seconds=600, env=at(home) if home else dict(os.environ)) as process:
        said = heard(process, "answers at ")
        try:
            yield Server(re.findall(r"answers at (http://\S+)", said)[-1], process, log)
        finally:
            process.kill()
