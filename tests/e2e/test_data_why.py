"""`hookline data why` from the command line: each question a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from kit.places import at
from kit.processes import Done, run_hookline

COLUMNS = ["carat", "cut", "color", "clarity", "price", "x"]


def hookline(folder: Path, *argv: str) -> Done:
    return run_hookline(*argv, env=at(folder / "home"), cwd=folder, timeout=120)


@pytest.fixture
def diamonds(shared_data: Path, tmp_path: Path) -> pl.DataFrame:
    """A run over part of the diamonds, with a gap in every hundredth carat."""
    table = pl.read_csv(shared_data / "diamonds.csv").select(COLUMNS).head(4_000)
    table = table.with_columns(carat=pl.when(pl.int_range(pl.len()) % 100 != 50).then("carat"))
    table.write_csv(tmp_path / "diamonds.csv")
    line = ["source=file", "source.path=diamonds.csv", "roles.target=price", "transform=[dedupe,impute]"]
    done = hookline(tmp_path, *line, "trainer=decision_tree", "trainer.max_depth=3", "packager=[]", "~deployer")
    assert done.returncode == 0, done.stderr
    assert "dedupe -" in done.stderr
    return table


def test_a_row_is_followed_in_a_fresh_process(diamonds: pl.DataFrame, tmp_path: Path) -> None:
    repeated = diamonds.with_row_index().filter(~pl.struct(COLUMNS).is_first_distinct())
    position = int(repeated["index"][0])
    told = hookline(tmp_path, "data", "why", "--row", str(position))
    assert told.returncode == 0, told.stderr
    assert f"row {position} was dropped by transform.dedupe: it repeats row" in told.stderr
    first = json.loads(hookline(tmp_path, "data", "why", "last", "--row", str(position), "--json").stdout)
    twin = first["steps"][0]["repeats"]["position"]
    assert diamonds.row(twin) == diamonds.row(position)
    filled = json.loads(hookline(tmp_path, "data", "why", "--row", "50", "--json").stdout)
    (change,) = filled["steps"][1]["changes"]
    assert (change["column"], change["before"]) == ("carat", None)
    assert filled["part"] in ("train", "test")

    shown = hookline(tmp_path, "runs", "show", "last").stdout
    assert f"transform.dedupe  4000     {4000 - repeated.height}" in shown

    unknown = hookline(tmp_path, "data", "why", "--row", "4000")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "there is no row 4000" in unknown.stderr
    diamonds.reverse().write_csv(tmp_path / "diamonds.csv")
    changed = hookline(tmp_path, "data", "why", "--row", "50")
    assert changed.returncode == 1
    assert "have changed since" in changed.stderr
    assert "Traceback" not in changed.stderr
