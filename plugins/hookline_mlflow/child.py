"""`python -m hookline_mlflow.child`: does what it is told, a line of JSON at a time, and answers in one each."""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UNREACHED = (
    "INTERNAL_ERROR",
    "TEMPORARILY_UNAVAILABLE",
    "REQUEST_LIMIT_EXCEEDED",
    "DEADLINE_EXCEEDED",
    "UNAUTHENTICATED",
)
"""What MLflow's errors are called where another try may go better; others are of what was asked."""

CAUSE = re.compile(r"""Caused by \w+\(["'](?:HTTPS?Connection\w*\(.*?\): )?(.*?)["']\)\)""")
"""What stands at the end of the message where no connection could be made, which is else long."""


def main() -> int:
    """Answer until nobody asks any more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What MLflow prints is no answer.
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(_answered(json.loads(line))) + "\n")
        answers.flush()
    return 0


def _answered(order: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": _done(order)}
    except Exception as error:  # noqa: BLE001  MLflow raises whatever its many stores raise
        told = " ".join(f"{error}".split()) or type(error).__name__
        cause = CAUSE.search(told)
        told = (cause[1] if cause else told)[:500]
        code = getattr(error, "error_code", "INTERNAL_ERROR")
        return {"error": told, "unreached": code in UNREACHED}


def _done(order: Mapping[str, Any]) -> Any:
    from mlflow.tracking import MlflowClient

    from .registering import settle, standing
    from .upload import upload

    if order["do"] == "send" and (cwd := Path(order["order"]["cwd"])).is_dir():
        os.chdir(cwd)
    client: Any = MlflowClient(tracking_uri=order["uri"])
    if order["do"] == "standing":
        return standing(client, order["model"])
    with _alone(Path(order["lock"])):
        if order["do"] == "settle":
            return settle(client, order)
        waiting = Path(order["file"])
        if waiting.exists():
            upload(client, order["order"])
            waiting.unlink()
        return None


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Be the only one who sends from a home. It is held here, since this process may outlive the one that asks it."""
    lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lock.open("a") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
