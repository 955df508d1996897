"""Single rows, and requests of many, by hookline as it is shipped and by other servers around the same ONNX file.

python benchmarks/serving_peers.py [all | bentoml kserve litserve mlflow mosec ray] [--seconds 3] [--turns 5]

Each gets an environment of its own from `benchmarks/peers/serving/<server>/requirements.txt`, for which the network is needed
once, and is asked beside hookline, in turn. See `benchmarks/README.md` for how each is set up.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from load import WARM_UP_SECONDS, latencies
from measure import HERE, HOOKLINE, run, show, table_w
from servers import Asked, Rows, Server, served
from w import overrides

PEERS = HERE / "peers"
sys.path.append(str(PEERS))

from run import install  # noqa: E402

Figures = tuple[float, float, float, float, float]
"""Answers a second; p50, p99 and p99.9 in milliseconds; milliseconds of processor time an answer."""
SETTINGS = ((1, 1), (8, 1), (64, 1), (8, 40))
"""Connections, and rows a request."""
FAILURES = (OSError, LookupError, RuntimeError, ValueError, psutil.Error, subprocess.CalledProcessError)
"""What is raised for a server that cannot be installed, does not begin, or stops answering."""
HEADER = [
    *("server", "processes", "answers/s", "p50 ms", "p99 ms", "p99.9 ms", "cpu ms"),
    *(
        "/s to hookline",
        "lowest to highest",
        "p50 to hookline",
        "p99 to hookline",
        "p99.9 to hookline",
        "cpu to hookline",
    ),
]


def _of_hookline(found: Any) -> list[list[float]]:
    return [list(one["probabilities"].values()) for one in found["predictions"]]


OURS = Server([HOOKLINE, "serve", "w", "--port", "{port}"], answers=_of_hookline)
SERVERS = {
    "bentoml": Server(
        ["bentoml", "serve", "service:Predict", "--host", "127.0.0.1", "--port", "{port}"],
        env={"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": "{folder}"},
    ),
    "kserve": Server(
        # Without a line of log a request, as the others.
        ["python", "serve.py", "--http_port", "{port}", "--configure_logging=no", "--enable_latency_logging=no"],
        path="v1/models/w:predict",
        body=lambda rows: {"instances": rows},
        answers=lambda found: found["predictions"],
    ),
    "litserve": Server(["python", "serve.py", "{port}"]),
    "mlflow": Server(
        [
            *("mlflow", "models", "serve", "--model-uri", "{folder}/model", "--env-manager", "local"),
            *("--host", "127.0.0.1", "--port", "{port}", "--workers", "1"),
        ],
        path="invocations",
        body=lambda rows: {"dataframe_split": {"columns": [*rows[0]], "data": [[*row.values()] for row in rows]}},
        answers=lambda found: found["predictions"],
        setup=["python", "save.py", "{folder}/model"],
        env={"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": "sqlite:///{folder}/mlflow.db"},
    ),
    "mosec": Server(["python", "serve.py", "--address", "127.0.0.1", "--port", "{port}", "--log-level", "warning"]),
    "ray": Server(
        ["python", "serve.py", "{port}", "{folder}"],
        env={
            "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
            "RAY_SERVE_ENABLE_HA_PROXY": "1",
            "RAY_USAGE_STATS_ENABLED": "0",
        },
    ),
}


def main() -> None:
    """Print a table a setting, a line a server, and why a server is not among them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", nargs="*", choices=[*SERVERS, "all"], default="all")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    # Whoever ends this ends the servers too.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    names = list(SERVERS) if "all" in given.server else list(dict.fromkeys(given.server))
    rows: dict[tuple[int, int], list[list[object]]] = {setting: [] for setting in SETTINGS}
    absent = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        run([HOOKLINE, *overrides(table_w(10_000))], {"HOOKLINE_HOME": str(home)})
        asked = _rows_of_w()
        for name in names:
            try:
                for setting, compared in _beside(name, home, asked, given.turns, given.seconds).items():
                    rows[setting] += compared
            except FAILURES as error:
                absent[name] = "\n".join([str(error), *getattr(error, "__notes__", [])])
                print(f"{name}: {absent[name]}", file=sys.stderr)
    for (connections, many), lines in rows.items():
        print(f"\nConnections: {connections}, rows a request: {many}")
        show(lines, HEADER)
    for name, error in absent.items():
        print(f"\nNot measured: {name}. {error}")


def _rows_of_w() -> Rows:
    import polars as pl

    most = max(many for _, many in SETTINGS)
    return pl.read_parquet(table_w(10_000), n_rows=most).drop("id", "timestamp", "target").to_dicts()


def _beside(
    name: str, home: Path, asked: Rows, turns: int, seconds: float
) -> dict[tuple[int, int], list[list[object]]]:
    """Return a line of hookline and one of a peer by setting; raises RuntimeError where the peer does not answer alike."""
    place = PEERS / "serving" / name
    python = install(place)
    version = _version(python, name)
    env = {"MODEL": str(next(home.glob("models/w/*/model.onnx"))), "PYTHONPATH": str(place.parent)}
    bounds = [many for _, many in SETTINGS]
    with (
        served(OURS, HERE, {"HOOKLINE_HOME": str(home)}, asked, bounds) as ours,
        served(SERVERS[name], place, env, asked, bounds, python.parent) as theirs,
    ):
        if not np.allclose(ours.answers, theirs.answers, atol=1e-6):
            told = f"{theirs.answers[0]}, not {ours.answers[0]}"
            raise RuntimeError(f"answers other probabilities than hookline: {told}")
        compared = {}
        for setting in SETTINGS:
            figures = _in_turn((ours, theirs), setting, turns, seconds)
            labels = (f"hookline, beside {name}", f"{name} {version}")
            counts = (len(ours.processes), len(theirs.processes))
            compared[setting] = [
                [label, count, *_line(these, figures[0])]
                for label, count, these in zip(labels, counts, figures, strict=True)
            ]
        return compared


def _version(python: Path, name: str) -> str:
    command = [str(python), "-c", f"import importlib.metadata; print(importlib.metadata.version({name!r}))"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _in_turn(servers: Sequence[Asked], setting: tuple[int, int], turns: int, seconds: float) -> list[list[Figures]]:
    """Return the figures of each server, a turn each; who is first changes, so that what the machine does falls on both."""
    connections, many = setting
    figures: list[list[Figures]] = [[] for _ in servers]
    for turn in range(turns):
        for place in (0, 1) if turn % 2 == 0 else (1, 0):
            server = servers[place]
            before = server.processor_seconds()
            took = latencies(server.url, server.bodies[many], connections, seconds)
            # What it took to warm up is in it, as long as that was.
            used = (server.processor_seconds() - before) * seconds / (seconds + WARM_UP_SECONDS)
            p50, p99, p999 = (1000 * took[int(share * (len(took) - 1))] for share in (0.5, 0.99, 0.999))
            figures[place].append((len(took) / seconds, p50, p99, p999, 1000 * used / len(took)))
    return figures


def _line(figures: Sequence[Figures], ours: Sequence[Figures]) -> list[object]:
    """Return the medians over the turns, and those of the ratios within a turn."""
    rate, *rest = (median(turns) for turns in zip(*figures, strict=True))
    cells: list[object] = [f"{rate:,.0f}", *(f"{value:.3g}" for value in rest)]
    if figures is ours:
        return [*cells, *("1", "", "1", "1", "1", "1")]
    ratios = [
        [mine / of_hookline for mine, of_hookline in zip(*pair, strict=True)]
        for pair in zip(figures, ours, strict=True)
    ]
    speed, *waits = zip(*ratios, strict=True)
    spread = f"{min(speed):.2g} to {max(speed):.2g}"
    return [*cells, f"{median(speed):.2g}", spread, *(f"{median(wait):.2g}" for wait in waits)]


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
