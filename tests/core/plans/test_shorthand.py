"""What people write for short: any file's name, any column's name, roles at the root."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st

import hookline as hl
from hookline.errors import UnknownName
from hookline.plans.hydra.shorthand import is_path, quoted, spelled_out
from hookline.workspace.workspace import open_workspace
from kit.processes import run_hookline
from kit.tables import table

QUICK = ("trainer=decision_tree", "packager=[]", "deployer=null")
NAMES = ("été.csv", "a (1).csv", "it's [new].csv", 'say "so".csv', "a,b=c.csv", "${x}.csv", "客户 #1.csv")


def said(override: str) -> str:
    """Return the value that Hydra and OmegaConf read from an override of a text."""
    value = OverridesParser.create().parse_override(override).value()
    return str(getattr(value, "text", value)).replace("\\${", "${")


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab'\"\\$ {}[](),=é:#\n"), max_size=8))
def test_a_quoted_text_is_read_as_it_was(text: str) -> None:
    assert said(f"key={quoted(text)}") == text


@pytest.mark.parametrize(
    ("word", "overrides"),
    [
        ("no_such.parquet", ["source=file", "source.path='no_such.parquet'"]),
        ("part-*.csv", ["source=file", "source.path='part-*.csv'"]),
        ("target=churned", ["roles.target=churned"]),
        ("target=客户流失", ["roles.target='客户流失'"]),
        ("ignore=alive", ["roles.ignore=[alive]"]),
        ("ignore=[bill #1,alive]", ["roles.ignore=['bill #1',alive]"]),
        ("group=a,b", ["roles.group=a,b"]),
        ("source.path=a (1)=y.csv", ["source=file", "source.path='a (1)=y.csv'"]),
        ("seed=1,2", ["seed=1,2"]),
        ("transform=[impute", ["transform=[impute"]),
        ("~monitor", ["~monitor"]),
        ("trainer", ["trainer"]),
        ("no_such/folder", ["source=file", "source.path='no_such/folder'"]),
    ],
)
def test_what_is_short_for_what(word: str, overrides: list[str]) -> None:
    assert spelled_out([word]) == overrides


@pytest.mark.parametrize("word", ["", "x" * 5000, "a\0b", "seed=*", "seed"])
def test_what_is_no_path(word: str) -> None:
    assert not is_path(word)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_is_a_source(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    table(60).write_csv(path)
    plan = hl.plan(str(path), "target=label", "id=a")
    assert (plan.config.options.roles.target, plan.config.options.roles.id) == ("label", "a")
    assert str(getattr(plan.config.components["source"][0].component, "path", None)) == str(path)


def test_a_table_alone_on_the_command_line_runs_and_sweeps(tmp_path: Path) -> None:
    table(120).write_csv(tmp_path / "it's [new].csv")
    words = ("it's [new].csv", "target=label", "ignore=c", *QUICK)
    one = run_hookline(*words, cwd=tmp_path)
    assert one.returncode == 0, one.stderr
    many = run_hookline("-m", *words, "trainer.max_depth=1,2", cwd=tmp_path)
    assert many.returncode == 0, many.stderr
    wrong = run_hookline("no_such.csv", "target=label", cwd=tmp_path)
    error, hint = wrong.stderr.splitlines()[-2:]
    assert (wrong.returncode, error) == (1, "error: there is no file no_such.csv")
    assert hint == f"hint: tables there: it's [new].csv; a run of one: hookline {shlex.quote(words[0])} target=COLUMN"


@pytest.mark.parametrize("sweep", [(), ("-m", "seed=1,2")], ids=["run", "sweep"])
def test_an_experiment_says_roles_for_short(sweep: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "conf" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("# @package _global_\ntarget: label\nignore: [c]\n")
    table(60).write_csv(tmp_path / "x.csv")
    done = run_hookline("x.csv", "experiment=mine", "--config-dir", "conf", "id=a", *QUICK, *sweep, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    roles = json.loads((Path(open_workspace().catalog.runs.get("last").path) / "config.json").read_text())["roles"]
    assert (roles["target"], roles["ignore"], roles["id"]) == ("label", ["c"], "a")


def test_a_path_given_as_a_component_says_what_to_type() -> None:
    with pytest.raises(UnknownName) as caught:
        hl.plan("source=titanic.csv")
    assert caught.value.hint == "a table stands alone: hookline titanic.csv target=COLUMN"


def test_a_path_alone_means_the_source_that_reads_files() -> None:
    assert spelled_out(["source.path=x.csv"]) == ["source=file", "source.path=x.csv"]
    for other in ("source=acme.table", "experiment=titanic"):
        assert spelled_out(["source.path=x.csv", other]) == ["source.path=x.csv", other]


def test_roles_may_stand_at_the_root_of_keywords_too(tmp_path: Path) -> None:
    table(60).write_csv(tmp_path / "x.csv")
    roles = hl.plan(source=tmp_path / "x.csv", target="label", id="a", ignore=["c"]).config.options.roles
    assert (roles.target, roles.id, roles.ignore) == ("label", "a", ("c",))


@pytest.mark.parametrize("sweep", [(), ("-m", "trainer.max_depth=1,2")], ids=["run", "sweep"])
def test_a_table_may_come_through_standard_input(sweep: tuple[str, ...], tmp_path: Path) -> None:
    done = run_hookline("-", "target=label", *QUICK, *sweep, cwd=tmp_path, input=table(90).write_csv())
    assert done.returncode == 0, done.stderr
    (kept,) = (open_workspace().home / "piped").glob("*/*")
    assert kept.name == "stdin.csv"
    assert kept.read_text() == table(90).write_csv()


def test_a_table_may_come_through_a_pipe_in_any_format(tmp_path: Path) -> None:
    table(90).write_parquet(tmp_path / "x.parquet")
    os.mkfifo(tmp_path / "rows")
    with subprocess.Popen(f"cat '{tmp_path}/x.parquet' > '{tmp_path}/rows'", shell=True):
        run = hl.run(source=tmp_path / "rows", target="label", trainer="decision_tree")
    assert run.evidence["split"]["train"] + run.evidence["split"]["test"] == 90
    (kept,) = (open_workspace().home / "piped").glob("*/*")
    assert kept.name == "rows.parquet"


def test_an_empty_pipe_is_one_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    done = run_hookline("-", "target=label", cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "error: nothing came through the pipe")
    assert list((open_workspace().home / "piped").iterdir()) == []
