"""Run W by hookline, by hand, and as users of Kedro, ZenML, Metaflow and MLflow write it around the same functions."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from measure import HOOKLINE, Cost, best, run_tree, show, table_w  # noqa: E402
from w import overrides  # noqa: E402

HEADER = [
    *("peer", "rows", "script s", "hookline s", "peer s", "to script", "to hookline"),
    *("re-run s", "hookline re-run s", "re-run to hookline", "set-up s"),
    *("script MiB", "hookline MiB", "peer MiB", "memory to script", "memory to hookline"),
]


@dataclass(frozen=True)
class Peer:
    """How a tool is run. Commands name a program of its environment; `{folder}` is where the run lies."""

    command: Sequence[str]
    again: Sequence[str] = ()
    """An unchanged re-run, where the tool has a way that is quicker than the same command."""
    setup: Sequence[str] = ()
    """What a user does once a machine, apart from any run."""
    table: str = "w.parquet"
    env: Mapping[str, str] | None = None


QUIET = {"DO_NOT_TRACK": "1", "NO_COLOR": "1"}
PEERS = {
    "kedro": Peer(
        ["kedro", "run"],
        again=["kedro", "run", "--only-missing-outputs"],
        table="data/01_raw/w.parquet",
        env={"KEDRO_DISABLE_TELEMETRY": "1", "PYTHONPATH": "{folder}"},
    ),
    "zenml": Peer(
        ["python", "pipeline.py"],
        setup=["zenml", "init"],
        env={
            "ZENML_ANALYTICS_OPT_IN": "false",
            "ZENML_CONFIG_PATH": "{folder}/config",
            "ZENML_LOCAL_STORES_PATH": "{folder}/stores",
            "AUTO_OPEN_DASHBOARD": "false",
        },
    ),
    "metaflow": Peer(
        ["python", "flow.py", "run"],
        env={
            "METAFLOW_HOME": "{folder}/config",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": "{folder}/store",
            "METAFLOW_CLIENT_CACHE_PATH": "{folder}/client",
            "METAFLOW_DEFAULT_EVENT_LOGGER": "nullSidecarLogger",
            "METAFLOW_DEFAULT_MONITOR": "nullSidecarMonitor",
            "METAFLOW_USER": "w",
        },
    ),
    "mlflow": Peer(
        ["python", "track.py"],
        setup=["mlflow", "db", "upgrade", "sqlite:///{folder}/mlflow.db"],
        env={"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": "sqlite:///{folder}/mlflow.db"},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", nargs="+", choices=[*PEERS, "all"])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--tries", type=int, default=3)
    given = parser.parse_args()
    names = list(PEERS) if "all" in given.peer else list(dict.fromkeys(given.peer))
    for name in names:
        install(HERE / name)
    show([row for rows in given.rows for row in compare(names, table_w(rows), rows, given.tries)], HEADER)


def install(folder: Path) -> Path:
    """Make the environment of a tool, or bring it up to the requirements.txt in its folder; return its Python."""
    venv = HERE / ".venv-{}".format("-".join(folder.relative_to(HERE).parts))
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    stamp, wanted = venv / ".requirements", (folder / "requirements.txt").read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(folder / "requirements.txt")], check=True)
        stamp.write_text(wanted)
    return python


def compare(names: Sequence[str], table: Path, rows: int, tries: int) -> list[list[object]]:
    """Return one row of figures a tool; each try runs hookline, and for each tool the script and the tool, in turn."""
    ours: list[tuple[Cost, ...]] = []
    scripts: dict[str, list[Cost]] = {name: [] for name in names}
    theirs: dict[str, list[tuple[Cost, ...]]] = {name: [] for name in names}
    for _ in range(tries):
        ours.append(run_hookline(table))
        for name in names:
            scripts[name].append(run_script(name, table))
            theirs[name].append(run_peer(name, table))
    fresh, again = (best(costs) for costs in zip(*ours, strict=True))
    return [row_of(name, rows, best(scripts[name]), (fresh, again), theirs[name]) for name in names]


def row_of(
    name: str, rows: int, script: Cost, hookline: tuple[Cost, Cost], tries: Sequence[tuple[Cost, ...]]
) -> list[object]:
    first, again, setup = (best(costs) for costs in zip(*tries, strict=True))
    fresh, rerun = hookline
    return [
        *(name, f"{rows:,}", script.seconds, fresh.seconds, first.seconds),
        *(first.seconds / script.seconds, first.seconds / fresh.seconds),
        *(again.seconds, rerun.seconds, again.seconds / rerun.seconds, setup.seconds or "-"),
        *(script.memory, fresh.memory, first.memory, first.memory / script.memory, first.memory / fresh.memory),
    ]


def run_hookline(table: Path) -> tuple[Cost, Cost]:
    """Return the cost of a first run in a fresh home, and of the same command again."""
    with tempfile.TemporaryDirectory() as folder:
        env = environment(Path(folder), {"HOOKLINE_HOME": f"{folder}/home"})
        command = [HOOKLINE, *overrides(table)]
        return run_tree(command, Path(folder), env), run_tree(command, Path(folder), env)


def run_script(name: str, table: Path) -> Cost:
    """Return the cost of the plain script, with the libraries of the tool's environment."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(HERE / f".venv-{name}" / "bin" / "python"), str(HERE.parent / "w_script.py")]
        return run_tree([*command, str(table), f"{folder}/model.joblib"], Path(folder), environment(Path(folder), {}))


def run_peer(name: str, table: Path) -> tuple[Cost, Cost, Cost]:
    """Return the cost of a first run, of an unchanged re-run, and of what comes once before them."""
    peer = PEERS[name]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        shutil.copytree(HERE / name, project)
        shutil.copy(HERE.parent / "w_parts.py", project)
        (project / peer.table).parent.mkdir(parents=True, exist_ok=True)
        (project / peer.table).symlink_to(table)

        def cost(command: Sequence[str]) -> Cost:
            program, *rest = (part.format(folder=project) for part in command)
            env = {key: value.format(folder=project) for key, value in (peer.env or {}).items()}
            path = str(HERE / f".venv-{name}" / "bin" / program)
            return run_tree([path, *rest], project, environment(Path(folder), env, Path(path).parent))

        setup = cost(peer.setup) if peer.setup else Cost(0, 0)
        return cost(peer.command), cost(peer.again or peer.command), setup


def environment(folder: Path, more: Mapping[str, str], programs: Path | None = None) -> dict[str, str]:
    """Return an environment whose home is in the folder, and that carries over nothing but the path."""
    home = folder / "user"
    home.mkdir(exist_ok=True)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}" if programs else os.environ["PATH"]
    places = {f"XDG_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CONFIG", "CACHE", "DATA", "STATE")}
    return {"PATH": path, "HOME": str(home), "TMPDIR": str(folder), "LANG": "C.UTF-8", **places, **QUIET, **more}


if __name__ == "__main__":
    main()
