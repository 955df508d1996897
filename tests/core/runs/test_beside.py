"""A process beside a run: what it does is as if the run had done it, and it takes nobody with it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from hookline.workspace.workspace import open_workspace
from kit.processes import HOOKLINE, Done, heard, run_hookline, run_python, started

RUN = ("source=iris", "trainer=decision_tree", "name=beside", "seed=3")
PLUGIN = '''
import os
import signal
import sys
import time
import warnings
from pathlib import Path

import psutil
from hookline_onnx.packagers import OnnxPackager
from hookline_sklearn.trainers.trees import DecisionTreeTrainer

import hookline as hl


class Odd(OnnxPackager):
    """Does what it is told, wherever it is."""

    name = "odd"
    how: str = "well"

    def save(self, pipeline: hl.Pipeline[hl.SklearnModel], path: Path) -> hl.Package:
        if self.how == "raise":
            raise ValueError("no ink left")
        if self.how == "warn":
            warnings.warn("little ink left", UserWarning, stacklevel=1)
        return super().save(pipeline, path)


class Slow(DecisionTreeTrainer):
    """Says where it is fitted, and takes its time."""

    name = "slow"
    said: str = ""
    seconds: float = 0.0

    def fit(self, train: hl.Features, valid: hl.Features | None) -> hl.SklearnModel:
        if self.said:
            Path(self.said).write_text(str(os.getpid()))
        time.sleep(self.seconds)
        return DecisionTreeTrainer(seed=self.seed).fit(train, valid)


def nameless():
    class Nameless(DecisionTreeTrainer):
        """A trainer that no other process finds by its name."""

        name = "nameless"

    return Nameless


@hl.hookimpl
def register_packagers():
    return [Odd]


@hl.hookimpl
def register_trainers():
    return [Slow, nameless()]


@hl.hookimpl
def before_stage(stage):
    if os.environ.get("KILL_AT") == stage.key:
        for beside in psutil.Process().children():
            beside.kill()
'''


@pytest.fixture
def beside(project_module: Callable[[str, str], str], tmp_path: Path) -> Mapping[str, str]:
    """The environment of runs that have a process beside them whatever else runs, and a plugin of odd components."""
    project_module("oddities", PLUGIN)
    own = {"PYTHONPATH": str(tmp_path / "project"), "HOOKLINE_BESIDE": "always", "HOOKLINE_PROGRESS": "plain"}
    return os.environ | own


def test_what_is_made_beside_a_run_is_what_the_run_makes(beside: Mapping[str, str], tmp_path: Path) -> None:
    made = {}
    for how in ("always", "off"):
        home = tmp_path / how
        done = run_hookline(
            "--json", "--profile", *RUN, env={**beside, "HOOKLINE_BESIDE": how, "HOOKLINE_HOME": str(home)}
        )
        assert done.returncode == 0, done.stderr
        assert ("in a process beside it" in done.stderr) is (how == "always")
        (package,) = home.glob("runs/*/packages/onnx")
        files = ("model.onnx", "pipeline.json", "certificate.json", "profile.json", "answers.json")
        made[how] = _lasting(json.loads(done.stdout)), {name: (package / name).read_bytes() for name in files}
    assert made["always"] == made["off"]


def _lasting(evidence: dict[str, Any]) -> dict[str, Any]:
    """Return what two runs of the same have in common."""
    for stage in evidence["plan"]:
        del stage["seconds"]
    del evidence["run"]
    return evidence


def test_a_model_is_fitted_beside_the_run_without_its_library_in_the_run(
    beside: Mapping[str, str], tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("size,kind\n" + "".join(f"{row % 37},{'ab'[row % 37 > 20]}\n" for row in range(300)), "utf-8")
    code = (
        "import sys\nfrom hookline.cli import main\n"
        "code = main(sys.argv[1:])\nprint(code, *[name for name in ('sklearn', 'spox', 'onnxruntime') if name in sys.modules])"
    )
    done = run_python(code, table, "target=kind", env=beside)
    assert done.stdout.splitlines()[-1] == "0", done.stderr


@pytest.mark.parametrize("audit", ["warn", "fail"])
def test_a_fit_begins_beside_the_audit_unless_the_audit_may_stop_it(
    audit: str, beside: Mapping[str, str], tmp_path: Path
) -> None:
    table, said = tmp_path / "table.csv", tmp_path / "said"
    rows = "".join(f"{row % 37},{'ab'[row % 37 > 20]},{'yn'[row % 37 > 20]}\n" for row in range(300))
    table.write_text(f"size,kind,same\n{rows}", "utf-8")
    done = run_hookline(
        table, "target=kind", "trainer=slow", f"trainer.said={said}", f"audit={audit}", "packager=[odd]", env=beside
    )
    assert "'same' is 'kind' under other names" in done.stderr
    assert (done.returncode, said.exists()) == ((0, True) if audit == "warn" else (3, False)), done.stderr


@pytest.mark.parametrize("stage", ["split", "audit", "trainer", "packager.onnx", "deployer"])
def test_a_process_beside_a_run_that_is_killed_is_done_without(beside: Mapping[str, str], stage: str) -> None:
    done = run_hookline(*RUN, env={**beside, "KILL_AT": stage})
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "champion -> beside v1" in line]
    assert open_workspace().catalog.runs.get("last").status == "finished"


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        (("packager=[odd]", "packager.odd.how=raise"), 1, "ValueError: no ink left"),
        (("packager=[odd]", "packager.odd.how=warn"), 0, "UserWarning: little ink left"),
        (("trainer=nameless",), 0, "nameless"),
    ],
    ids=["raises", "warns", "cannot be sent"],
)
def test_what_cannot_be_done_beside_a_run_is_done_and_told_as_without(
    beside: Mapping[str, str], tmp_path: Path, line: tuple[str, ...], code: int, told: str
) -> None:
    ended = [
        run_hookline(*RUN, *line, env={**beside, "HOOKLINE_BESIDE": how, "HOOKLINE_HOME": str(tmp_path / how)})
        for how in ("always", "off")
    ]
    assert [done.returncode for done in ended] == [code, code], ended[0].stderr
    assert _unchanging(ended[0]) == _unchanging(ended[1])
    assert ended[0].stderr.count(told) == 1


def _unchanging(done: Done) -> list[str]:
    """Return what a run said but for its id, and how long each stage took."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("run ", "report: "))]
    return [" ".join(word for word in line.split() if not word.endswith("s")) for line in lines if "of run" not in line]


def test_a_run_that_is_killed_takes_the_process_beside_it_along(beside: Mapping[str, str], tmp_path: Path) -> None:
    pid = _struck(beside, tmp_path, signal.SIGKILL, -signal.SIGKILL)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_fit_beside_the_run(
    beside: Mapping[str, str], tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    pid = _struck(beside, tmp_path, sent, code)
    assert not psutil.pid_exists(pid)
    assert open_workspace().catalog.runs.get("last").status == "interrupted"


def _struck(beside: Mapping[str, str], tmp_path: Path, sent: signal.Signals, code: int) -> int:
    """End a run by a signal while its model is fitted beside it, and return the process that did that."""
    said = tmp_path / "said"
    line = ("trainer=slow", f"trainer.said={said}", "trainer.seconds=60")
    with started([HOOKLINE, *RUN, *line], env=beside) as run:
        heard(run, "features")
        while not (said.is_file() and said.read_text()) and run.poll() is None:
            time.sleep(0.01)
        run.send_signal(sent)
        _, err = run.communicate(timeout=90)
    assert run.returncode == code, err
    pid = int(said.read_text())
    assert pid != run.pid
    return pid


def test_no_process_is_started_where_no_core_is_free_for_it() -> None:
    code = (
        "import os\nfrom hookline.runs.beside.second import start\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\nprint(start([]))"
    )
    assert run_python(code, env=os.environ | {"HOOKLINE_BESIDE": "auto"}).stdout == "None\n"


@pytest.mark.parametrize("word", ["--cfg", "hydra.job_logging=null", "-m"])
def test_a_line_that_asks_for_more_than_a_run_starts_no_process(word: str, beside: Mapping[str, str]) -> None:
    code = "import sys\nfrom hookline.cli.runs.run import _second\nprint(_second(sys.argv[1:]))"
    assert run_python(code, "source=iris", word, env=beside).stdout == "None\n"


def test_a_large_table_has_no_process_beside_its_run(beside: Mapping[str, str]) -> None:
    code = (
        "import sys\nfrom hookline.runs.beside import second\nsecond.MOST_ROWS = 10\n"
        "from hookline.cli import main\nprint(main(sys.argv[1:]), 'onnxruntime' in sys.modules)"
    )
    assert run_python(code, *RUN, env=beside).stdout.splitlines()[-1] == "0 True"
