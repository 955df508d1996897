"""A process that talks to MLflow for this one: it is asked a thing at a time, and ended where an answer is late."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from hookline.errors import StoreError
from hookline.registry.backends.quiet import quiet_environment
from hookline.version import install_line

LONGEST_REQUEST = 30
"""Seconds that one request to a server may be silent."""


class NotReached(StoreError):
    """A server that is down, stalls or breaks off: whatever is asked next would fare no better."""


class Caller:
    """The process, begun at the first question."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()

    def ask(self, order: Mapping[str, Any], timeout: float, limit: str) -> Any:
        """Return what the process answers; raises NotReached where it is late or the server is, StoreError where that says no.

        limit: what the seconds are left of, in words
        """
        process = self._process or self._started(timeout)
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(order, default=str) + "\n")
            process.stdin.flush()
            line = self._answers.get(timeout=max(timeout, 0.0))
        except queue.Empty:
            self.close()
            raise NotReached(f"{self._place} took longer than {limit}, and was given up") from None
        except OSError:
            line = ""
        if not line:
            self.close()
            raise NotReached(f"the process that talks to {self._place} has ended")
        told = json.loads(line)
        if "error" not in told:
            return told.get("answer")
        raise (NotReached if told["unreached"] else StoreError)(f"{self._place}: {told['error']}")

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.kill()
        process.wait()
        with_errors = (process.stdin, process.stdout)
        for stream in with_errors:
            try:
                stream.close()
            except OSError:  # What was written and not read is lost with the process.
                continue
        self._answers = queue.Queue()

    def _started(self, timeout: float) -> subprocess.Popen[str]:
        if find_spec("mlflow") is None:
            line = install_line([("hookline", "mlflow", "mlflow")])
            raise StoreError(f"MLflow is not installed: {line}")
        bounds = {
            # What was not sent is sent later: MLflow's own retries would only keep a run waiting.
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, min(LONGEST_REQUEST, int(timeout)))),
            "GIT_PYTHON_REFRESH": "quiet",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hookline_mlflow.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**bounds, **quiet_environment("mlflow")},
        )
        threading.Thread(target=_read, args=(self._process, self._answers), daemon=True).start()
        return self._process


def _read(process: subprocess.Popen[str], answers: queue.Queue[str]) -> None:
    assert process.stdout is not None
    try:
        for line in process.stdout:
            answers.put(line)
    except ValueError:  # It was closed meanwhile.
        return
    answers.put("")
