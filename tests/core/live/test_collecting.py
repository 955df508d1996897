"""Rows of a source that reads on: each stored exactly once, whatever happens in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.data.collecting import MARK, WRITING
from hookline.errors import ConfigError, DataError, StoreError, UsageError
from hookline.plans.keywords import source_of
from hookline.registry.registry import load_registry

INBOX = '''
"""A folder to which files are added, read on from where it was left: a position is the name of its last file."""

import time
from pathlib import Path

import hookline as hl
from hookline.errors import DataError


class InboxSource(hl.Source):
    """Rows of the Parquet files in a folder, in the order of their names."""

    name = "inbox"
    path: str
    wait_for: str = ""
    """A file; reading says that it has begun beside it, and then waits for it."""

    def files(self):
        return sorted(Path(self.path).glob("*.parquet"))

    def load(self) -> hl.Dataset:
        return self.load_between(None, self.position())

    def fingerprint(self) -> str:
        return self.position()

    def position(self) -> str:
        return self.files()[-1].name if self.files() else ""

    def load_between(self, after: str | None, upto: str) -> hl.Dataset:
        import polars as pl

        names = [file.name for file in self.files()]
        if after and after not in names:
            raise DataError(f"{after} is gone")
        found = [file for file in self.files() if (after or "") < file.name <= upto]
        if not found:
            return hl.Dataset(pl.LazyFrame(schema={"n": pl.Int64, "text": pl.String}), name="inbox")
        frame = pl.concat([pl.scan_parquet(file) for file in found])
        if self.wait_for:
            frame = frame.map_batches(self.wait)
        return hl.Dataset(frame, name="inbox")

    def wait(self, frame):
        Path(self.wait_for + ".begun").touch()
        while not Path(self.wait_for).exists():
            time.sleep(0.01)
        return frame


@hl.hookimpl
def register_sources():
    return [InboxSource]
'''


class Inbox:
    """A growing folder, and what was collected of it."""

    def __init__(self, folder: Path, module: str) -> None:
        self.folder = folder / "inbox"
        self.folder.mkdir()
        self.go = folder / "go"
        self.collected = Path(os.environ["HOOKLINE_HOME"]) / "collected" / "clicks"
        self.environment = os.environ | {"PYTHONPATH": str(folder / "project"), "HOOKLINE_PLUGINS": module}
        self.sent = 0

    def send(self, rows: int, **over: object) -> None:
        """Add a file of rows that go on counting."""
        start = self.sent
        frame = pl.DataFrame({"n": range(start, start + rows), "text": [f"t{n}" for n in range(start, start + rows)]})
        if over:
            frame = frame.with_columns(**{name: pl.lit(value) for name, value in over.items()})
        frame.write_parquet(self.folder / f"{len(list(self.folder.iterdir())):04d}.parquet")
        self.sent += rows

    def source(self, *, wait: bool = False) -> dict[str, object]:
        return {"component": "inbox", "path": str(self.folder), "wait_for": str(self.go) if wait else ""}

    def kept(self) -> list[int]:
        """Return the numbers that a run would read, in order."""
        if not list(self.collected.glob("*.parquet")):
            return []
        found = source_of(load_registry(), self.collected)
        numbers: list[int] = found.load().frame.collect()["n"].to_list()
        return numbers

    def begin(self) -> subprocess.Popen[bytes]:
        """Begin a collection that waits in another process."""
        code = f"import hookline as hl; hl.collect('clicks', {self.source(wait=True)!r})"
        return subprocess.Popen([sys.executable, "-c", code], env=self.environment)


@pytest.fixture
def inbox(tmp_path: Path, project_module: Callable[[str, str], str]) -> Inbox:
    return Inbox(tmp_path, project_module("inbox", INBOX))


def until(condition: Callable[[], bool], child: subprocess.Popen[bytes]) -> None:
    """Wait for something that a process does."""
    for _ in range(12_000):
        if condition():
            return
        assert child.poll() is None, "the process ended too early"
        time.sleep(0.005)
    raise TimeoutError


def kill(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL


def test_each_call_stores_what_came_since_the_last(inbox: Inbox) -> None:
    inbox.send(3)
    inbox.send(2)
    first = hl.collect("clicks", inbox.source())
    assert (first.rows, first.position) == (5, "0001.parquet")
    inbox.send(4)
    second = hl.collect("clicks", inbox.source())
    assert (second.rows, second.position) == (4, "0002.parquet")
    assert [part.name for part in sorted(inbox.collected.glob("*.parquet"))] == [
        "part-00000000.parquet",
        "part-00000001.parquet",
    ]
    assert second.part == inbox.collected / "part-00000001.parquet"
    assert inbox.kept() == list(range(9))


def test_nothing_new_makes_no_part(inbox: Inbox) -> None:
    inbox.send(3)
    hl.collect("clicks", inbox.source())
    again = hl.collect("clicks", inbox.source())
    assert (again.part, again.rows) == (None, 0)
    pl.DataFrame(schema={"n": pl.Int64, "text": pl.String}).write_parquet(inbox.folder / "0001.parquet")
    empty = hl.collect("clicks", inbox.source())
    assert (empty.part, empty.rows, empty.position) == (None, 0, "0001.parquet")
    inbox.send(2)
    assert hl.collect("clicks", inbox.source()).rows == 2
    assert inbox.kept() == list(range(5))


def test_the_rows_are_an_ordinary_source(inbox: Inbox) -> None:
    for _ in range(3):
        inbox.send(40)
        found = hl.collect("clicks", inbox.source())
    run = hl.run(
        *found.source,
        "roles.target=n",
        "trainer=ridge",
        "featurizer.tabular.categorical=hashing",
        "packager=[]",
        "~deployer",
    )
    assert run.evidence["data"]["rows"] == 120


def test_columns_of_another_kind_are_named_and_nothing_is_stored(inbox: Inbox) -> None:
    inbox.send(3)
    hl.collect("clicks", inbox.source())
    inbox.send(2, n="five", more=1)
    for _ in range(2):
        with pytest.raises(DataError, match=r"(?s)more: is new, Int32.*n: was Int64, and is String") as caught:
            hl.collect("clicks", inbox.source())
        assert [problem.path for problem in caught.value.problems] == ["more", "n"]
    assert inbox.kept() == [0, 1, 2]
    assert [path.name for path in inbox.collected.iterdir() if path.name.endswith(WRITING)] == []


def test_columns_in_another_order_are_the_same_columns(inbox: Inbox) -> None:
    inbox.send(2)
    hl.collect("clicks", inbox.source())
    pl.DataFrame({"text": ["t2"], "n": [2]}).write_parquet(inbox.folder / "0001.parquet")
    hl.collect("clicks", inbox.source())
    assert inbox.kept() == [0, 1, 2]


def test_a_collection_killed_while_it_reads_stores_nothing(inbox: Inbox) -> None:
    inbox.send(5)
    child = inbox.begin()
    until(lambda: Path(f"{inbox.go}.begun").exists(), child)
    kill(child)
    assert inbox.kept() == []
    inbox.go.touch()
    assert hl.collect("clicks", inbox.source(wait=True)).rows == 5
    assert inbox.kept() == list(range(5))
    assert [path.name for path in inbox.collected.iterdir() if path.name.endswith(WRITING)] == []


@pytest.mark.parametrize("more", [0, 4], ids=["nothing more came", "more came"])
def test_a_collection_killed_between_rows_and_mark_is_made_good_by_the_next(inbox: Inbox, more: int) -> None:
    inbox.send(3)
    inbox.go.touch()
    hl.collect("clicks", inbox.source(wait=True))
    inbox.send(5)
    before = (inbox.collected / MARK).read_bytes()
    # Writing to a pipe that nobody reads waits, so that the process stands exactly where the mark would be written.
    barrier = inbox.collected / f"{MARK}{WRITING}"
    os.mkfifo(barrier)
    child = inbox.begin()
    until(lambda: (inbox.collected / "part-00000001.parquet").exists(), child)
    time.sleep(0.3)
    assert child.poll() is None
    kill(child)
    assert (inbox.collected / MARK).read_bytes() == before
    assert inbox.kept() == list(range(8))
    barrier.unlink()
    if more:
        inbox.send(more)
    found = hl.collect("clicks", inbox.source(wait=True))
    assert (found.rows, found.part) == (5 + more, inbox.collected / "part-00000001.parquet")
    assert inbox.kept() == list(range(8 + more))
    assert hl.collect("clicks", inbox.source(wait=True)).part is None


def test_a_collection_killed_as_soon_as_its_part_is_there_doubles_no_row(inbox: Inbox) -> None:
    inbox.go.touch()
    for turn in range(3):
        inbox.send(5)
        child = inbox.begin()
        part = inbox.collected / f"part-{turn:08d}.parquet"
        until(part.exists, child)
        child.kill()
        child.wait()
        hl.collect("clicks", inbox.source(wait=True))
        assert inbox.kept() == list(range(5 * (turn + 1)))


def test_two_that_collect_at_once_store_each_row_once(inbox: Inbox) -> None:
    inbox.send(5)
    both = [inbox.begin(), inbox.begin()]
    until(lambda: Path(f"{inbox.go}.begun").exists(), both[0])
    inbox.go.touch()
    assert [child.wait(timeout=60) for child in both] == [0, 0]
    assert inbox.kept() == list(range(5))


def test_rows_that_are_gone_at_the_source_are_an_error_and_the_mark_stays(inbox: Inbox) -> None:
    inbox.send(3)
    hl.collect("clicks", inbox.source())
    before = (inbox.collected / MARK).read_bytes()
    (inbox.folder / "0000.parquet").unlink()
    inbox.send(1)
    (inbox.folder / "0000.parquet").rename(inbox.folder / "0005.parquet")
    with pytest.raises(DataError, match="0000.parquet is gone"):
        hl.collect("clicks", inbox.source())
    assert (inbox.collected / MARK).read_bytes() == before


def test_one_name_collects_one_source(inbox: Inbox, tmp_path: Path) -> None:
    inbox.send(3)
    hl.collect("clicks", inbox.source())
    with pytest.raises(UsageError, match="'clicks' is collected from a source of another name or with other fields"):
        hl.collect("clicks", {"component": "inbox", "path": str(tmp_path)})
    assert hl.collect("other", inbox.source()).rows == 3
    with pytest.raises(UsageError, match="cannot name a folder"):
        hl.collect("../clicks", inbox.source())


def test_a_lost_mark_does_not_double_rows(inbox: Inbox) -> None:
    for _ in range(2):
        inbox.send(3)
        hl.collect("clicks", inbox.source())
    mark = inbox.collected / MARK
    told = mark.read_text("utf-8")
    mark.unlink()
    with pytest.raises(StoreError, match="part-00000001.parquet, of which its mark does not know"):
        hl.collect("clicks", inbox.source())
    mark.write_text(told[:20], "utf-8")
    with pytest.raises(StoreError, match="is damaged"):
        hl.collect("clicks", inbox.source())
    mark.write_text(told, "utf-8")
    assert hl.collect("clicks", inbox.source()).part is None
    assert inbox.kept() == list(range(6))


def test_a_source_that_does_not_read_on_names_those_that_do(inbox: Inbox) -> None:
    with pytest.raises(UsageError, match=r"(?s)source 'iris' cannot be read on.*sources that can: .*inbox"):
        hl.collect("clicks", "iris")
    assert not inbox.collected.exists()


def test_the_command_line_collects_and_says_how_the_rows_are_read(
    inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox.send(3)
    words = ["data", "collect", "clicks", "source=inbox", f"source.path={inbox.folder}"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert out == f"source=file source.path={inbox.collected}\n"
    assert "3 new rows for clicks, in part-00000000.parquet" in err
    assert main(words) == 0
    assert "nothing new for clicks" in capsys.readouterr().err
    inbox.send(2)
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["part"]) == (2, str(inbox.collected / "part-00000001.parquet"))
    assert hl.collect("clicks", {"component": "inbox", "path": str(inbox.folder)}).part is None


def test_the_command_line_says_what_is_wrong_as_python_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "collect", "clicks", "source=iris"]) == 2
    assert "source 'iris' cannot be read on" in capsys.readouterr().err
    assert main(["data", "collect", "clicks"]) == 2
    assert "name a table" in capsys.readouterr().err
    with pytest.raises(ConfigError):
        hl.collect("clicks", {"component": "file", "pth": "x"})
