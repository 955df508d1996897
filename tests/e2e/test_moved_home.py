"""A home that was moved or copied is the same home: nothing in it says where it lay, and any name will do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.sweeps.ledger import Ledger
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told
from kit.lived import KEY, lived_in
from kit.places import at
from kit.processes import run_hookline
from kit.serving import serving

ODD = "höme (1) [x] *"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    size = rng.normal(size=300)
    path = tmp_path_factory.mktemp("data") / "été [v2] (final).csv"
    pl.DataFrame({"size": size, "bought": np.where(size > 0, "yes", "no")}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def made(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an odd name that holds a model, two comparable runs and a sweep; and is left where it was made."""
    home = tmp_path_factory.mktemp("made") / ODD
    lived_in(home, table)
    return home


@pytest.fixture
def moved(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """That home at another place, the first being out of reach."""
    home = tmp_path / "elsewhere" / "another [y]"
    shutil.copytree(made, home)
    hidden = made.with_name("hidden")
    made.rename(hidden)
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    yield home
    hidden.rename(made)


def test_nothing_in_the_catalog_says_where_the_home_lies(made: Path) -> None:
    content = b"".join(path.read_bytes() for path in sorted(made.glob("catalog.db*")))
    assert str(made).encode() not in content
    assert b"runs/" in content


def test_a_moved_home_predicts_shows_and_monitors(moved: Path, table: Path, hookline: Told) -> None:
    code, out, err = hookline("predict", "shop", str(table))
    assert (code, len(out.splitlines())) == (0, 301), err
    for words in (
        ("runs", "show", "last"),
        ("runs", "list"),
        ("models", "list"),
        ("models", "show", "shop:2"),
        ("models", "promote", "shop:1"),
        ("monitor", "run", "shop", str(table)),
        ("features", "list", "shop"),
        ("sweeps", "show", "last"),
        ("sweeps", "list"),
        ("data", "versions"),
        ("data", "contract", "shop"),
        ("doctor",),
    ):
        code, out, err = hookline(*words)
        assert code == 0, (words, out, err)
    assert {record.path for record in open_workspace().catalog.models.every_version()} == {
        str(path) for path in (moved / "models" / "shop").iterdir()
    }


def test_a_moved_home_reports_where_it_is_now(moved: Path, hookline: Told) -> None:
    code, out, err = hookline("report", "last")
    assert code == 0, err
    assert Path(out.strip()).is_relative_to(moved)
    assert Path(out.strip()).is_file()


def test_a_moved_home_compares_and_tells_why(moved: Path, hookline: Told) -> None:
    newest = [record.id for record in open_workspace().catalog.runs.newest() if record.name == "shop"]
    for words in (("compare", newest[-2], newest[-1]), ("data", "why", newest[-1], "--position", "3")):
        code, out, err = hookline(*words)
        assert (code, bool(out)) == (0, True), err


def test_a_moved_home_goes_on_with_its_sweep(moved: Path) -> None:
    ledger = Ledger(open_workspace().catalog)
    sweep = ledger.sweep("last")
    assert Path(sweep.path).is_relative_to(moved)
    with open_workspace().catalog.database.writing() as connection:
        jobs = open_workspace().catalog.database.tables["jobs"]
        connection.execute(jobs.update().where(jobs.c.number == 1).values(status="interrupted"))
    shutil.rmtree(Path(ledger.jobs(sweep.id)[1].path))
    done = run_hookline("resume", "last", env=at(moved) | KEY)
    assert done.returncode == 0, done.stderr
    job = Ledger(open_workspace().catalog).jobs(sweep.id)[1]
    assert job.status == "finished"
    assert Path(job.path).is_relative_to(moved)


def test_a_moved_home_serves_and_runs_go_on_from_its_store(moved: Path, table: Path) -> None:
    with serving("shop", moved) as server:
        assert server.predict({"size": 1.5})[0]["prediction"] == "yes"
    given = [f'source.path="{table}"', "source=file", "roles.target=bought", "name=shop"]
    done = run_hookline("plan", *given, "trainer=decision_tree", "trainer.max_depth=2", "packager=[skops]", "--json",
                        env=at(moved) | KEY)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {row["status"] for row in json.loads(done.stdout) if row["stage"] != "deployer"} <= {"cached", "unneeded"}


def test_a_copy_uses_its_own_models(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(made, copied)
    monkeypatch.setenv("HOOKLINE_HOME", str(copied))
    record = open_workspace().catalog.models.get("shop", 1)
    assert Path(record.path).is_relative_to(copied)
    shutil.rmtree(record.path)
    assert len(hl.load("shop:1", home=made).predict(pl.DataFrame({"size": [1.0]})).values) == 1


def test_a_run_outside_the_home_is_found_where_it_lies(table: Path, tmp_path: Path, hookline: Told) -> None:
    folder = tmp_path / "outside"
    given = (f'source.path="{table}"', "source=file", "roles.target=bought", "trainer=decision_tree", "~deployer")
    code, _, err = hookline(*given, f"hydra.run.dir={folder}", "packager=[skops]")
    assert code == 0, err
    assert open_workspace().catalog.runs.get("last").path == str(folder)
