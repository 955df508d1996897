"""Single rows, one worker: hookline's server against FastAPI around the same session, and against a bare echo."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load import requests_per_second
from measure import HERE, HOOKLINE, run, show, table_w
from w import overrides

PORTS = {"hookline": 18731, "fastapi": 18732, "echo": 18733}


@contextmanager
def server(command: list[str], port: int, env: dict[str, str]) -> Iterator[str]:
    import os

    with subprocess.Popen(
        command, env=os.environ | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            for _ in range(200):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
                        break
                except urllib.error.HTTPError:
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/predict"
        finally:
            process.terminate()


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    shown = []
    with tempfile.TemporaryDirectory() as home:
        env = {"HOOKLINE_HOME": home}
        run([HOOKLINE, *overrides(table_w(10_000))], env)
        package = next(Path(home).glob("models/w/*"))
        commands = {
            "hookline": [HOOKLINE, "serve", "w", "--port", str(PORTS["hookline"])],
            "fastapi": [sys.executable, str(HERE / "serving_peers.py"), "fastapi", str(PORTS["fastapi"]), str(package)],
            "echo": [sys.executable, str(HERE / "serving_peers.py"), "echo", str(PORTS["echo"])],
        }
        with (
            server(commands["hookline"], PORTS["hookline"], env) as url,
            urllib.request.urlopen(url.replace("predict", "example")) as answer,
        ):
            body = json.dumps(json.load(answer)).encode()
        found: dict[str, dict[int, float]] = {}
        for name, command in commands.items():
            with server(command, PORTS[name], env) as url:
                found[name] = {count: requests_per_second(url, body, count, seconds) for count in (1, 8, 64)}
        for count in (1, 8, 64):
            ours, peer, echo = (found[name][count] for name in ("hookline", "fastapi", "echo"))
            shown.append([count, ours, peer, echo, ours / peer, ours / echo])
    show(shown, ["connections", "hookline /s", "FastAPI /s", "echo /s", "against FastAPI", "against echo"])


if __name__ == "__main__":
    main()
