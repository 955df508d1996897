"""A home that may only be read answers everything that is a question, and says of the rest that it cannot be written."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from kit.lived import KEY, lived_in
from kit.places import at
from kit.processes import HOOKLINE, Done, heard, run_command, started, unprivileged


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    size = np.random.default_rng(0).normal(size=300)
    path = tmp_path_factory.mktemp("data") / "shop.csv"
    pl.DataFrame({"size": size, "bought": np.where(size > 0, "yes", "no")}).write_csv(path)
    return path


def writable(home: Path, *, allowed: bool) -> None:
    """Give a home's owner the right to write, or take it from everybody."""
    for path in (home, *home.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IWUSR if allowed else mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, table: Path) -> Iterator[Path]:
    """A home of two runs and a sweep that nobody may write to."""
    home = tmp_path_factory.mktemp("shared") / "home"
    lived_in(home, table)
    writable(home, allowed=False)
    yield home
    writable(home, allowed=True)


def asked(home: Path, *words: str | Path) -> Done:
    return run_command([*unprivileged(), HOOKLINE, *map(str, words)], env=at(home) | KEY, timeout=120)


def state(home: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_mtime_ns) for path in home.rglob("*")}


def test_the_home_refuses_to_be_written(home: Path) -> None:
    done = run_command([*unprivileged(), "touch", str(home / "mark")])
    assert done.returncode != 0


@pytest.mark.parametrize(
    "words",
    [
        "runs list",
        "runs show last",
        "models list",
        "models show shop",
        "predict shop TABLE",
        "monitor run shop TABLE",
        "features list shop",
        "sweeps list",
        "sweeps show last",
        "data versions",
        "data contract shop",
        "data profile TABLE",
        "data check TABLE --model shop --json",
        "plan source=iris",
    ],
)
def test_a_question_is_answered_and_nothing_is_written(home: Path, table: Path, words: str) -> None:
    before = state(home)
    done = asked(home, *(table if word == "TABLE" else word for word in words.split()))
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert state(home) == before


def test_runs_are_compared_traced_and_their_report_is_found(home: Path) -> None:
    listed = asked(home, "runs", "list").stdout
    first, second = re.findall(r"^(\S+) +shop ", listed, re.MULTILINE)[-2:]
    for words in (("compare", first, second), ("data", "why", second, "--position", "3")):
        done = asked(home, *words)
        assert done.returncode == 0, done.stderr
    done = asked(home, "report", second)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_file()
    assert "it stays as it was" in done.stderr


@pytest.mark.parametrize("what", ["a model of it", "a folder, and no home"])
def test_it_serves_where_no_record_is_to_be_kept(home: Path, what: str) -> None:
    import httpx

    named = "shop" if what == "a model of it" else str(next(home.glob("models/shop/*")))
    command = [*unprivileged(), HOOKLINE, "serve", named, "--no-log", "--port", "0"]
    with started(command, env=at(home if named == "shop" else Path("/dev/null/home"))) as process:
        said = heard(process, "answers at ")
        url = re.findall(r"answers at (http://\S+)", said)[-1]
        answer = httpx.post(f"{url}/predict", json={"rows": [{"size": 1.5}]}, timeout=20).json()
        process.kill()
    assert answer["predictions"][0]["prediction"] == "yes"


@pytest.mark.parametrize(
    "words", ["run source=iris trainer=decision_tree", "models promote shop:1", "serve shop --port 0"]
)
def test_what_must_write_says_that_it_cannot(home: Path, words: str) -> None:
    done = asked(home, *words.split())
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "hint: " in done.stderr


def test_a_read_only_folder_without_a_home_says_so(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    writable(empty, allowed=False)
    done = asked(empty, "runs", "list")
    assert done.returncode == 1
    assert "there is no catalog in it yet" in done.stderr
    assert list(empty.iterdir()) == []
