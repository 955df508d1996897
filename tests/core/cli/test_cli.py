"""The command line: what it prints where, and with which exit code it ends."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.cli import VERBS
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told
from kit.places import own_home
from kit.processes import HOOKLINE, run_command, run_hookline, run_python


@pytest.fixture
def tips(tmp_path: Path) -> Path:
    path = tmp_path / "tips.csv"
    frame = pl.DataFrame(
        {
            "bill": [10.0 + i % 37 for i in range(200)],
            "day": [("fri", "sat", "sun")[i % 3] for i in range(200)],
            "big": ["yes" if 10 + i % 37 > 28 else "no" for i in range(200)],
        }
    )
    frame.write_csv(path)
    return path


def test_help_names_every_verb(hookline: Told) -> None:
    code, out, _ = hookline("--help")
    assert code == 0
    assert all(verb in out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    done = run_hookline(verb, "--help")
    assert done.returncode == 0
    assert f"usage: hookline {verb}" in done.stdout


def test_an_unknown_verb_suggests_the_closest(hookline: Told) -> None:
    code, out, err = hookline("sevre")
    assert (code, out) == (2, "")
    assert err == "error: no command named 'sevre'\nhint: did you mean 'serve'?\n"


def test_a_verb_that_is_like_none_says_how_a_table_is_run(hookline: Told) -> None:
    code, _, err = hookline("train")
    assert code == 2
    assert err.endswith("a table is run by hookline train.csv target=COLUMN\n")


def test_a_guess_at_how_a_table_is_run_is_told_as_the_line_that_runs_it(
    hookline: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b.csv").write_text("x,y\n1,2\n")
    for words in (("train", "a b.csv", "target=y"), ("a b", "target=y")):
        assert hookline(*words)[2].endswith("\nhint: hookline 'a b.csv' target=y\n")
    assert hookline("train", "a b.csv")[2].endswith("\nhint: hookline 'a b.csv' target=COLUMN\n")
    for words in (("--target", "y"), ("--target=y",)):
        assert hookline("a b.csv", *words)[2].endswith("\nhint: target=y\n")
    assert "model: unknown key; did you mean 'trainer'?" in hookline("a b.csv", "target=y", "model=ridge")[2]
    assert hookline("a b.csv", "target=y", "--epochs", "5")[2].endswith("\nhint: hookline run --help\n")


def test_a_table_without_a_target_names_the_columns_to_choose_from(hookline: Told, tips: Path) -> None:
    code, _, err = hookline(str(tips))
    assert code == 2
    assert f"hint: add target=COLUMN, one of {', '.join(pl.read_csv(tips).columns)}\n" in err


def test_a_table_without_a_header_takes_two_lines_to_be_read(hookline: Told, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("".join(f"{row},{row % 7}, a,3,b,{row}.5,c,1.5,1,2,yes\n" for row in range(39, 60)))
    table = str(tmp_path / "t.csv")
    err = hookline(table)[2]
    assert "\nhint: source.header=false, or add target=COLUMN, one of 39, " in err
    err = hookline(table, "target=answer")[2]
    assert (
        "answer: not a column; the first line may be a row: it was read as the column names 39, 4, a, 3, b, ...\n"
        in err
    )
    assert err.endswith("\nhint: source.header=false\n")
    err = hookline(table, "target=answer", "source.header=false")[2]
    assert "there is c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11\n" in err


def test_no_model_is_told_with_the_line_that_makes_one(hookline: Told) -> None:
    code, _, err = hookline("serve")
    assert code == 2
    assert err.endswith("hint: there is no model yet; hookline train.csv target=COLUMN makes one\n")


def test_bare_overrides_run_and_data_go_to_stdout(hookline: Told, tips: Path) -> None:
    code, out, err = hookline("source=file", f"source.path={tips}", "roles.target=big", "trainer=decision_tree")
    assert code == 0
    assert out.startswith("accuracy")
    assert "report:" in err
    assert "trainer" in err


def test_the_whole_journey(hookline: Told, tips: Path, tmp_path: Path) -> None:
    overrides = ("source=file", f"source.path={tips}", "roles.target=big", "trainer=decision_tree", "name=tips")
    overrides += ("audit_allow=[bill]",)  # It determines the target, so no version would be in charge otherwise.
    assert hookline(*overrides)[0] == 0
    code, out, _ = hookline("runs", "list", "--json")
    assert [run["status"] for run in json.loads(out)] == ["finished"]
    code, out, _ = hookline("models", "list", "--json")
    assert [(m["name"], m["version"], m["aliases"]) for m in json.loads(out)] == [("tips", 1, ["champion"])]
    code, out, _ = hookline("predict", "tips", str(tips))
    assert code == 0
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == 200
    assert rows[0]["prediction"] == "no"
    target = tmp_path / "scored.parquet"
    assert hookline("predict", "tips@champion", str(tips), "--output", str(target))[0] == 0
    assert pl.read_parquet(target)["prediction"].to_list() == [row["prediction"] for row in rows]
    code, out, _ = hookline("monitor", "run", "tips", str(tips), "--json")
    assert code == 0
    assert json.loads(out)["data_drift"]["findings"] == []
    code, out, _ = hookline("plan", *overrides, "--json")
    assert {row["status"] for row in json.loads(out)} == {"cached", "unneeded", "run"}
    assert hookline(*overrides, "trainer.max_depth=1")[0] == 0
    assert hookline("models", "promote", "tips:1", "--reason", "the first was better")[0] == 0
    code, out, _ = hookline("models", "show", "tips", "--json")
    assert json.loads(out)["version"] == 1


def test_a_lost_file_of_a_registered_model_is_made_again(hookline: Told, tips: Path, tmp_path: Path) -> None:
    overrides = ("source=file", f"source.path={tips}", "roles.target=big", "trainer=decision_tree", "name=tips")
    assert hookline(*overrides)[0] == 0
    (lost,) = (own_home() / "models" / "tips").glob("*/model.onnx")
    lost.unlink()
    assert hookline("predict", "tips", str(tips))[0] == 1
    assert hookline(*overrides)[0] == 0
    assert hookline("predict", "tips", str(tips))[0] == 0


def test_a_folder_does_not_hide_a_model_of_its_name(
    hookline: Told, tips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hookline("source=file", f"source.path={tips}", "roles.target=big", "trainer=decision_tree", "name=tips")
    (tmp_path / "here" / "tips").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert hookline("predict", "tips", str(tips))[0] == 0
    (tmp_path / "here" / "empty").mkdir()
    assert "holds no package" in hookline("predict", "empty", str(tips))[2]


def test_a_page_that_cannot_be_written_is_one_line(hookline: Told, tips: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    code, _, err = hookline("data", "profile", str(tips), "--html", str(tmp_path / "folder"))
    assert code == 2
    assert "cannot be written" in err
    assert not list(tmp_path.glob(".folder*"))


def test_drift_fails_the_command_where_asked(hookline: Told, tips: Path, tmp_path: Path) -> None:
    hookline("source=file", f"source.path={tips}", "roles.target=big", "trainer=decision_tree", "name=tips")
    moved = tmp_path / "moved.csv"
    pl.read_csv(tips).with_columns(pl.col("bill") + 30).write_csv(moved)
    code, out, err = hookline("monitor", "run", "tips", str(moved), "--fail-on", "warning")
    assert code == 3
    assert "'bill' has moved" in out
    assert "finding is warning or worse" in err


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (("trainer=random_forst",), 2, "did you mean 'random_forest'"),
        (("trainer=logistic_regression", "trainer.C=-1"), 2, "trainer.C: must be greater than 0"),
        (
            ("trainer.C=1",),
            2,
            "C is a field of logistic_regression, svm; choose one, such as trainer=logistic_regression",
        ),
        (("source=file", "roles.target=y"), 2, "source.path: required"),
        (("source=file", "source.path=nowhere.csv", "roles.target=y"), 1, "there is no file nowhere.csv"),
        (("+trainer._target_=os.system",), 2, "_target_"),
        (("run", "frobnicate"), 2, "is no override"),
        (("seed=1", "-m", "name=x", "--cfg", "job"), 2, "--multirun and --cfg do not go together"),
        (("-m", "seed=1", "hydra.launcher.core=2"), 2, "did you mean 'cores'"),
        (("predict", "nobody", "x.csv"), 2, "no model or run named 'nobody'"),
        (("serve", "nobody", "--log", "x", "--no-log"), 2, "argument --no-log: not allowed with argument --log"),
        (("serve", "nobody", "--workers", "two"), 2, "argument --workers: must be a whole number, got 'two'"),
        (("serve", "nobody"), 2, "no model or run named 'nobody'"),
        (("runs", "show", "last"), 2, "no run named 'last'"),
        (("runs", "frob"), 2, "hookline runs"),
        (("components", "show", "trainer", "mpl"), 2, "did you mean 'mlp'"),
        (("models", "show", "nobody"), 2, "no model named 'nobody'"),
        (("trainer=ridge", "task=binary"), 2, "does regression, but task=binary"),
    ],
)
def test_a_mistake_is_one_clear_message_and_no_traceback(
    hookline: Told, argv: tuple[str, ...], code: int, told: str
) -> None:
    done, out, err = hookline(*argv)
    assert (done, out) == (code, "")
    assert told in err
    assert "Traceback" not in err


def test_hydras_own_flags_keep_working() -> None:
    composed = run_hookline("--cfg", "job", "trainer=mlp", check=True)
    assert "component: mlp" in composed.stdout
    info = run_hookline("--info", "searchpath", check=True)
    assert "hookline_conf" in info.stdout


def test_a_sweep_runs_every_combination(hookline: Told) -> None:
    code, _, _ = hookline("-m", "source=iris", "trainer=decision_tree", "trainer.max_depth=1,2", "seed=0,1")
    assert code == 0
    assert len(json.loads(hookline("runs", "list", "--json")[1])) == 4
    assert hookline("-m", "source=iris", "trainer=decision_tree", "trainer.max_depth=1,2")[0] == 0


def test_a_config_dir_of_the_users_own_brings_experiments(hookline: Told, tmp_path: Path) -> None:
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /source: iris\n  - override /trainer: decision_tree\nname: mine\n"
    )
    code, _, err = hookline("--config-dir", str(tmp_path / "conf"), "experiment=mine")
    assert code == 0, err
    assert json.loads(hookline("runs", "show", "last", "--json")[1])["run"]["name"] == "mine"


def test_doctor_finds_this_environment_fit(hookline: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    # It is tested in an environment of its own.
    monkeypatch.setenv("HOOKLINE_DISABLE", "tensorflow")
    code, out, _ = hookline("doctor", "--json")
    assert code == 0
    assert {check["status"] for check in json.loads(out)} == {"ok"}


def test_a_report_can_be_written_again(hookline: Told) -> None:
    hookline("source=iris", "trainer=decision_tree")
    report = hl.load("last").report  # type: ignore[union-attr]
    report.unlink()
    assert hookline("report", "last")[0] == 0
    assert report.is_file()


def test_a_closed_pipe_is_no_error(hookline: Told) -> None:
    hookline("source=iris", "trainer=decision_tree")
    piped = run_command(["sh", "-c", f"{HOOKLINE} components list | head -1"], check=True)
    assert "Traceback" not in piped.stderr


def test_a_profile_accounts_for_every_stage_that_ran_and_for_the_whole_time() -> None:
    done = run_hookline("--profile", "source=iris", "trainer=decision_tree", "deployer=null", check=True)
    table = done.stderr[done.stderr.index("where the time went") :].splitlines()
    told = table[1 : 1 + next(i for i, line in enumerate(table) if line.startswith("all "))]
    parts = {line[:28].strip(): line[28:].split() for line in told}
    (run,) = open_workspace().catalog.runs.newest()
    assert run.status == "finished"
    ran = [line.split()[2] for line in done.stderr.splitlines() if line.startswith("✓")]
    assert [*parts] == ["start, config and plan", *ran, "evidence and report", "all"]
    assert sum(float(row[0]) for row in parts.values()) == pytest.approx(2 * float(parts["all"][0]), abs=0.2)
    assert float(parts["trainer"][3]) > 100


def test_a_sweep_has_no_profile(hookline: Told) -> None:
    with_code, _, err = hookline("-m", "source=iris", "seed=1,2", "--profile")
    assert with_code == 2
    assert "--profile is for a single run" in err


def test_what_was_found_stands_beside_the_verdict(hookline: Told, tmp_path: Path) -> None:
    table = tmp_path / "leaky.csv"
    table.write_text("a,copy,y\n" + "".join(f"{i % 7},{i % 2},{i % 2}\n" for i in range(200)))
    code, _, err = hookline("source=file", f"source.path={table}", "roles.target=y", "trainer=decision_tree")
    assert code == 0
    assert "critical: 'copy'" in err[err.index("held-out rows\n") :]
    assert "critical: 'copy'" in hookline("runs", "show", "last")[2]


def test_a_command_that_has_said_why_it_ends_hears_no_further_ctrl_c() -> None:
    # Pressed while Python tidies up, when nothing of ours is left to catch it.
    done = run_python(
        "import atexit, signal, sys; from hookline.cli import main; sys.argv = ['hookline', 'plam']\n"
        "atexit.register(signal.raise_signal, signal.SIGINT); sys.exit(main())",
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.endswith("hint: did you mean 'plan'?\n")


def test_a_command_that_is_called_gives_the_signals_back(hookline: Told) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert hookline("plam")[0] == 2
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
