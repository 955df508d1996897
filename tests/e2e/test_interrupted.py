"""A full disk, a signal at any moment, a reader that leaves: one line, the right exit code, and nothing half-written."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.packages.manifest import verify
from hookline.workspace.workspace import open_workspace
from kit.processes import HOOKLINE, heard, run_command, run_hookline, started

QUICK = ("source=iris", "trainer=decision_tree", "packager=[onnx,skops]")
LARGE = ("source=synthetic", "source.rows=20000", "roles.target=target", "trainer=decision_tree")


@pytest.mark.parametrize(
    ("kibibytes", "command"),
    [(4, QUICK), (40, QUICK), (200, QUICK), (1_000, LARGE), (1_000, (*LARGE, "transform=[dedupe]"))],
    ids=["4", "40", "200", "while rows are divided", "while rows are kept"],
)
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(kibibytes: int, command: tuple[str, ...]) -> None:
    def limit() -> None:
        # What write() answers then differs from a full disk by the number only, and needs no disk of its own.
        resource.setrlimit(resource.RLIMIT_FSIZE, (kibibytes * 1024, resource.RLIM_INFINITY))

    # Python would leave half of what it compiles behind, for all that come after.
    environ = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "HOOKLINE_BESIDE": "always"}
    done = run_hookline(*command, preexec_fn=limit, env=environ)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "full" in error or "disk I/O error" in error
    store = open_workspace().store
    assert all(store.problem(fingerprint) is None for fingerprint in store.entries())
    assert not list((store.root / "tmp").iterdir())
    run = hl.run(*command)
    assert run.status == "finished"
    verify(run.package())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_ends_a_run_without_a_traceback(sent: signal.Signals, seed: int) -> None:
    delay = 0.5 + seed * 0.3
    beside = os.environ | {"HOOKLINE_BESIDE": "always"}
    with started([HOOKLINE, *QUICK], stdout=subprocess.PIPE, env=beside) as run:
        time.sleep(delay)
        run.send_signal(sent)
        out, err = run.communicate(timeout=60)
    assert run.returncode in (130 if sent == signal.SIGINT else 143, 0), (run.returncode, err)
    assert "Traceback" not in err + out
    statuses = {record.status for record in open_workspace().catalog.runs.newest()}
    assert statuses <= {"interrupted", "finished"}
    store = open_workspace().store
    assert all(store.problem(fingerprint) is None for fingerprint in store.entries())
    assert hl.run(*QUICK).status == "finished"


TIDYING = '''
import os
import signal

import hookline as hl


class Tidying(hl.Transform):
    """Fails to tidy up."""

    name = "tidying"

    def fit(self, train: hl.Dataset) -> hl.FittedTransform:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            None.tidy()


@hl.hookimpl
def register_transforms():
    return [Tidying]
'''


def test_a_library_that_fails_to_tidy_up_hides_no_signal(
    project_module: Callable[[str, str], str], tmp_path: Path
) -> None:
    project_module("tidying", TIDYING)
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "project")}
    done = run_hookline(*QUICK, "transform=[tidying]", env=environment)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (143, "terminated")
    assert open_workspace().catalog.runs.get("last").status == "interrupted"


@pytest.mark.parametrize("made", ["*.parts/*.arrow", "*.ndjson.*[0-9]"], ids=["predicting", "joining"])
def test_an_interrupted_prediction_leaves_nothing_behind(made: str, tmp_path: Path) -> None:
    columns = [column.name for column in hl.run(*QUICK, "name=iris").predictor.schema.columns]
    rows, folder = tmp_path / "rows.parquet", tmp_path / "out"
    pl.select((pl.int_range(600_000) % 7 + 1).cast(pl.Float64).alias(name) for name in columns).write_parquet(rows)
    folder.mkdir()
    command = [HOOKLINE, "predict", "iris", str(rows), "-o", str(folder / "out.ndjson")]
    # Which on a slow machine would say how far it is.
    with started(command, env=os.environ | {"HOOKLINE_PROGRESS": "off"}) as predict:
        while not list(folder.glob(made)) and predict.poll() is None:
            time.sleep(0.005)
        predict.send_signal(signal.SIGINT)
        _, told = predict.communicate(timeout=60)
    assert (predict.returncode, told) == (130, "interrupted\n")
    assert list(folder.iterdir()) == []


def test_a_signal_ends_a_sweep_and_keeps_what_was_done() -> None:
    command = [
        HOOKLINE,
        "-m",
        "source=iris",
        "trainer=decision_tree",
        "packager=[]",
        "deployer=null",
        "seed=range(0,40)",
    ]
    with started(command) as run:
        told = heard(run, "✓")
        run.send_signal(signal.SIGINT)
        told += run.communicate()[1]
    assert run.returncode == 130, told
    assert "Traceback" not in told
    assert "`hookline resume 2" in told.splitlines()[-1]
    assert "finished" in {record.status for record in open_workspace().catalog.runs.newest()}


def test_a_terminal_that_is_closed_leaves_no_run_running() -> None:
    with started([HOOKLINE, *QUICK, "seed=5"]) as run:
        heard(run, "split")
        run.send_signal(signal.SIGHUP)
        told = run.communicate(timeout=60)[1]
    assert run.returncode == 128 + signal.SIGHUP, told
    assert "Traceback" not in told
    assert open_workspace().catalog.runs.get("last").status == "interrupted"


def test_nohup_keeps_a_run_going() -> None:
    def ignoring() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with started([HOOKLINE, *QUICK, "seed=6"], preexec_fn=ignoring) as run:
        heard(run, "split")
        run.send_signal(signal.SIGHUP)
        told = run.communicate(timeout=100)[1]
    assert run.returncode == 0, told


@pytest.mark.parametrize(
    "words",
    ["--version", "components list", "components list --json", "data profile TABLE", "data profile TABLE --json"],
)
def test_a_reader_that_left_before_the_first_word_is_no_error(words: str, tmp_path: Path) -> None:
    table = tmp_path / "wide.csv"
    pl.DataFrame({f"column_{number}": [1.5, 2.5, 3.5] for number in range(300)}).write_csv(table)
    command = [HOOKLINE, *(str(table) if word == "TABLE" else word for word in words.split())]
    with started(command, stdout=subprocess.PIPE) as asked:
        assert asked.stdout is not None
        asked.stdout.close()
        assert asked.stderr is not None
        told = asked.stderr.read()
    assert asked.returncode == 0, told
    assert "BrokenPipe" not in told


def test_a_reader_of_the_progress_that_leaves_does_not_end_the_run() -> None:
    run_command(["bash", "-c", f"{HOOKLINE} {' '.join(QUICK)} 2>&1 | head -n 1"])
    assert open_workspace().catalog.runs.get("last").status == "finished"


@pytest.mark.parametrize("argv", ["components list", "components list --json", "--help", "schema", "doctor --json"])
def test_a_reader_that_leaves_is_no_error(argv: str) -> None:
    done = run_command(["bash", "-o", "pipefail", "-c", f"{HOOKLINE} {argv} | head -c 10 > /dev/null"])
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Broken pipe" not in done.stderr
