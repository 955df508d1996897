"""The prediction log: one writer a file, no torn line in front of good ones, and no answer without its record."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hookline.live.records import records_in
from hookline_serving.http.exchange import Item, Question
from hookline_serving.http.log import Kept, NotRecorded, PredictionLog, Stamp
from kit.logs import full_after

STAMP = Stamp("churn", 3, "live")


def kept_by(log: PredictionLog, question: Question, items: list[Item]) -> Kept:
    """Record what is answered now."""
    now = datetime.now(UTC)
    return log.append([log.lines(STAMP, [(question, items)], now)], now)


def ask(log: PredictionLog, name: str) -> None:
    """Have an answer recorded."""
    kept_by(log, Question([{"amount": 1.5}], [[1.5]], [None], {}, 0.0), [Item(name, "yes", {"yes": 1.0}, ())])


def kept(folder: Path) -> set[str]:
    """Return the ids on record, read as people read them."""
    found = records_in(folder)
    assert found is not None
    return {record["id"] for record in found.found}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[PredictionLog]:
    made = PredictionLog.open(tmp_path / "log")
    yield made
    made.close()


def only_file(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_records_that_threads_write_at_the_same_moment_are_all_counted(log: PredictionLog) -> None:
    class Line(bytes):
        def count(self, *of: Any) -> int:
            # Another thread's turn, at the moment at which one adds up.
            time.sleep(1e-4)
            return super().count(*of)

    lines, before = [Line(b'{"id": 1}\n')], log.written
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: log.append(lines, datetime.now(UTC)), range(200)))
    assert log.written - before == 200


def test_two_writers_of_one_folder_have_a_file_each_whatever_their_process_numbers(log: PredictionLog) -> None:
    other = PredictionLog.open(log.folder)
    ask(log, "a")
    ask(other, "b")
    size = max(path.stat().st_size for path in log.folder.iterdir())
    with full_after(size + 20), pytest.raises(OSError, match="large"):
        ask(log, "torn")
    ask(other, "c")
    ask(log, "d")
    other.close()
    assert len(list(log.folder.iterdir())) == 2
    assert kept(log.folder) == {"a", "b", "c", "d"}


def test_a_torn_line_that_cannot_be_taken_back_stays_the_last_of_its_file(
    log: PredictionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(descriptor: int, length: int) -> None:
        raise OSError(5, "Input/output error")

    ask(log, "a")
    torn = only_file(log.folder)
    with monkeypatch.context() as patched, full_after(torn.stat().st_size + 20):
        patched.setattr(os, "ftruncate", refused)
        with pytest.raises(OSError, match="large"):
            ask(log, "torn")
    assert not torn.read_bytes().endswith(b"\n")
    for name in "bc":
        ask(log, name)
    assert kept(log.folder) == {"a", "b", "c"}


def test_a_promise_that_the_disk_breaks_is_told_as_one_of_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log.yaml").write_text("durability: strict\n")
    made = PredictionLog.open(tmp_path)

    def refused(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refused)
        patched.setattr(os, "fdatasync", refused)
        taken = kept_by(made, Question([{"amount": 1.5}], [[1.5]], [None], {}, 0.0), [Item("a", "yes")])
        assert taken is not None
        error = taken.exception(10)
    assert isinstance(error, NotRecorded)
    assert (error.errno, error.strerror) == (5, "Input/output error")
    made.close()


def test_a_folder_that_is_removed_under_a_server_comes_back_with_the_next_record(log: PredictionLog) -> None:
    ask(log, "a")
    shutil.rmtree(log.folder)
    for name in "bc":
        ask(log, name)
    assert kept(log.folder) == {"b", "c"}


def test_where_a_removed_folder_cannot_come_back_nothing_is_answered_until_it_can(log: PredictionLog) -> None:
    ask(log, "a")
    shutil.rmtree(log.folder)
    log.folder.write_text("in its place")
    for _ in range(2):
        with pytest.raises(OSError, match="File exists"):
            ask(log, "lost")
    log.folder.unlink()
    ask(log, "b")
    assert kept(log.folder) == {"b"}


def test_a_file_that_is_moved_away_with_its_folder_goes_on_holding_every_record(log: PredictionLog) -> None:
    ask(log, "a")
    moved = log.folder.rename(log.folder.with_name("moved"))
    ask(log, "b")
    assert kept(moved) == {"a", "b"}
    assert json.loads(only_file(moved).read_text().splitlines()[0])["version"] == 3


def test_a_file_beside_the_log_says_what_of_a_row_is_kept_and_how_durably(tmp_path: Path) -> None:
    (tmp_path / "log.yaml").write_text("durability: strict\ncolumns: {amount: drop, customer: hash}\n")
    made = PredictionLog.open(tmp_path)
    assert made.files.durability == "strict"
    rows, items = [{"amount": 1.5, "plan": "pro"}], [Item("a", "yes", {"yes": 1.0}, ())]
    question = Question(rows, [[1.5]], ["c1"], {}, 0.0, ["c1"])
    taken = kept_by(made, question, items)
    assert taken is not None
    taken.result(10)
    made.close()
    found = records_in(tmp_path)
    assert found is not None
    (record,) = found.found
    assert record["row"] == {"plan": "pro"}
    assert record["row_id"] == record["key"] == made.rules.hashed("c1")
