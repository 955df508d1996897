"""Single rows, and requests of many, by hookline as it is shipped and by other servers around the same ONNX file.

python benchmarks/serving_peers.py [all | bentoml kserve litserve mlflow mosec ray] [--seconds 3] [--turns 5]

Each gets an environment of its own from `benchmarks/peers/serving/<server>/requirements.txt`, for which the network is needed
once, and is asked beside hookline, in turn. See `benchmarks/README.md` for how each is set up.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from load import WARM_UP_SECONDS, latencies
from measure import HERE, HOOKLINE, run, show, table_w
from w import overrides

PEERS = HERE / "peers"
sys.path.append(str(PEERS))

from run import environment, install  # noqa: E402

Rows = list[dict[str, Any]]
Figures = tuple[float, float, float, float, float]
"""Answers a second; p50, p99 and p99.9 in milliseconds; milliseconds of processor time an answer."""
SETTINGS = ((1, 1), (8, 1), (64, 1), (8, 40))
"""Connections, and rows a request."""
FIRST_PORT = 18751
MEMORY = 4 * 2**30
"""Bytes that a process may hold."""
START_SECONDS, STOP_SECONDS = 300, 15
REFUSALS = (400, 415, 422)
"""Statuses that no waiting changes."""
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


@dataclass(frozen=True)
class Server:
    """How a server is begun and asked. Words name `{port}`, and `{folder}`, which is its own; programs are of its environment."""

    command: Sequence[str]
    path: str = "predict"
    body: Callable[[Rows], Any] = lambda rows: {"rows": rows}
    answers: Callable[[Any], Any] = lambda found: found
    """Takes what is answered, and returns the probabilities of each row."""
    setup: Sequence[str] = ()
    """What comes once before it is begun."""
    env: Mapping[str, str] | None = None


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


@dataclass
class Asked:
    """A server that answers, and what it is asked with."""

    url: str
    bodies: Mapping[int, bytes]
    """Rows a request -> the request."""
    processes: Sequence[psutil.Process]

    def processor_seconds(self) -> float:
        """Return what all its processes together have taken so far."""
        return sum(sum(one.cpu_times()) for one in self.processes if one.is_running())


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
            except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
                absent[name] = error
                print(f"{name}: {error}", file=sys.stderr)
    for (connections, many), lines in rows.items():
        print(f"\n{connections} connections, rows a request: {many}")
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
    package = next(home.glob("models/w/*"))
    python = install(PEERS / "serving" / name)
    version = _version(python, name)
    with (
        served(OURS, HERE, {"HOOKLINE_HOME": str(home)}, None, asked) as (ours, expected),
        served(SERVERS[name], PEERS / "serving" / name, {"MODEL": str(package / "model.onnx")}, python, asked) as (
            theirs,
            found,
        ),
    ):
        if not np.allclose(expected, found, atol=1e-6):
            raise RuntimeError(f"other probabilities than hookline's: {found[0]}, not {expected[0]}")
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


@contextmanager
def served(
    server: Server, place: Path, env: Mapping[str, str], python: Path | None, asked: Rows
) -> Iterator[tuple[Asked, np.ndarray]]:
    """Run a server for the time of a block, and yield how it is asked, and its probabilities of the rows.

    All its processes are gone afterwards. Raises RuntimeError with the end of what it printed where it does not answer.
    python: that of its environment; None where the command says all
    """
    port = FIRST_PORT if python is None else FIRST_PORT + 1
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, tempfile.TemporaryFile() as output:
        folder = Path(name)
        around = {"PYTHONPATH": str(place.parent)} if python else {}
        told = {key: value.format(folder=folder) for key, value in (server.env or {}).items()}
        full = environment(folder, {**around, **env, **told, "ORT_DISABLE_TELEMETRY": "1"}, python and python.parent)

        def begin(words: Sequence[str]) -> psutil.Popen:
            program, *rest = (word.format(port=port, folder=folder) for word in words)
            path = str(python.parent / program) if python else program
            return psutil.Popen(
                [path, *rest], cwd=place, env=full, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=_bounded,
            )  # fmt: skip

        try:
            if server.setup and begin(server.setup).wait():
                raise RuntimeError(f"could not be set up: {_end_of(output)}")
            process = begin(server.command)
            url = f"http://127.0.0.1:{port}/{server.path}"
            bodies = {many: json.dumps(server.body(asked[:many])).encode() for _, many in SETTINGS}
            try:
                found = _first_answer(process, url, bodies[len(asked)])
            except RuntimeError as error:
                raise RuntimeError(f"{error}: {_end_of(output)}") from None
            yield Asked(url, bodies, [*_family(folder)]), np.array(server.answers(found))
        finally:
            _end(folder)


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def _first_answer(process: psutil.Popen, url: str, body: bytes) -> Any:
    """Ask until there is an answer; raises RuntimeError."""
    until, why = time.monotonic() + START_SECONDS, "nobody listens"
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            why = f"{error.code} {error.read().decode(errors='replace')[:500]}"
            if error.code in REFUSALS:
                raise RuntimeError(why) from None
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"no answer within {START_SECONDS} s, {why}")


def _end_of(output: Any) -> str:
    output.seek(0)
    return str(output.read().decode(errors="replace")[-2000:])


def _family(folder: Path) -> set[psutil.Process]:
    """Return the processes that have this folder in their environment, and all that come of them."""
    found = set()
    for one in psutil.process_iter():
        try:
            if one.environ().get("TMPDIR") == str(folder):
                found |= {one, *one.children(recursive=True)}
        except psutil.Error:
            continue
    return found


def _end(folder: Path) -> None:
    """End a server's processes: as it likes first, and then at once."""
    family = _family(folder)
    eldest = [one for one in family if one.is_running() and one.ppid() not in {other.pid for other in family}]
    try:
        for one in eldest:
            one.terminate()
        psutil.wait_procs(family, STOP_SECONDS)
    finally:
        for one in family | _family(folder):
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue


if __name__ == "__main__":
    main()
