"""Single rows, one worker: hookline's server against FastAPI around the same session, and against a bare echo."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 64])
    given = parser.parse_args()
    shown = []
    with tempfile.TemporaryDirectory() as home, ExitStack() as running:
        env = {"HOOKLINE_HOME": home}
        run([HOOKLINE, *overrides(table_w(10_000))], env)
        package = next(Path(home).glob("models/w/*"))
        peers = [sys.executable, str(HERE / "serving_by_hand.py")]
        commands = {
            "hookline": [HOOKLINE, "serve", "w", "--port", str(PORTS["hookline"])],
            "fastapi": [*peers, "fastapi", str(PORTS["fastapi"]), str(package)],
            "echo": [*peers, "echo", str(PORTS["echo"])],
        }
        urls = {name: running.enter_context(server(command, PORTS[name], env)) for name, command in commands.items()}
        with urllib.request.urlopen(urls["hookline"].replace("predict", "example")) as answer:
            body = json.dumps(json.load(answer)).encode()
        for count in given.connections:
            found = dict.fromkeys(urls, 0.0)
            for _ in range(given.tries):
                # In turn, so that what else the machine does falls on each of them.
                for name, url in urls.items():
                    found[name] = max(found[name], requests_per_second(url, body, count, given.seconds))
            ours, peer, echo = (found[name] for name in ("hookline", "fastapi", "echo"))
            shown.append([count, ours, peer, echo, ours / peer, ours / echo])
    show(shown, ["connections", "hookline /s", "FastAPI /s", "echo /s", "against FastAPI", "against echo"])


if __name__ == "__main__":
    main()
