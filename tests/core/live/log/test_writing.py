"""The writer of the log: whole lines, files that turn, a disk that is full or fails, and what strict means."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import IO

import pytest

from hookline.live.log.compacting import Compacted, closed_lines
from hookline.live.log.writing import Durability, Segments
from hookline.live.segments import segment
from hookline.live.segments.segment import try_lock
from hookline.live.segments.swapping import alone
from kit.logs import full_after

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def line(name: str) -> bytes:
    return json.dumps({"id": name}).encode() + b"\n"


def files(folder: Path) -> list[list[str]]:
    """Return the ids in each file, in the order of their names."""
    return [[json.loads(text)["id"] for text in path.read_text().splitlines()] for path in sorted(folder.iterdir())]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Segments]:
    made = Segments(tmp_path / "log")
    yield made
    made.close()


def test_each_day_and_each_full_file_begins_another(log: Segments) -> None:
    log.most_bytes = 2 * len(line("a"))
    for name, hours in [("a", 0), ("b", 0), ("c", 0), ("d", 12), ("e", 13)]:
        log.append([line(name)], NOON + timedelta(hours=hours))
    assert sorted(files(log.folder)) == [["a", "b"], ["c"], ["d", "e"]]
    assert {path.name[:22] for path in log.folder.iterdir()} == {"predictions-2026-11-20", "predictions-2026-11-21"}


def test_a_clock_that_jumps_back_begins_another_file_and_an_answer_that_took_long_does_not(log: Segments) -> None:
    for name, seconds in [("a", 0), ("b", -50), ("c", -61), ("d", -30)]:
        log.append([line(name)], NOON + timedelta(seconds=seconds))
    assert sorted(files(log.folder)) == [["a", "b"], ["c", "d"]]


def test_a_file_is_locked_until_its_writer_ends_however_it_ends(tmp_path: Path) -> None:
    code = (
        "import sys, time; from datetime import UTC, datetime; from pathlib import Path\n"
        "from hookline.live.log.writing import Durability, Segments\n"
        "log = Segments(Path(sys.argv[1])); log.append([b'{}\\n'], datetime.now(UTC)); print('written', flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        (path,) = tmp_path.iterdir()
        with path.open("rb") as file:
            assert try_lock(file) is False
        writer.send_signal(signal.SIGKILL)
    assert path.read_bytes() == b"{}\n"
    with path.open("rb") as file:
        assert try_lock(file) is True


def test_a_file_that_is_being_made_is_none_that_may_be_compacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free: list[Path] = []

    def looked_at(file: IO[bytes]) -> bool | None:
        # Whoever compacts looks at the very moment between the opening and the lock.
        free.extend(closed_lines(tmp_path, Compacted("plain")))
        return try_lock(file)

    monkeypatch.setattr(segment, "try_lock", looked_at)
    log = Segments(tmp_path)
    log.append([line("a")], NOON)
    assert free == []
    assert [path.suffix for path in tmp_path.iterdir()] == [".ndjson"]
    assert list(closed_lines(tmp_path, Compacted("plain"))) == []
    log.close()
    assert len(list(closed_lines(tmp_path, Compacted("plain")))) == 1


def test_a_file_that_is_cleared_away_before_it_has_its_name_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lock_late(file: IO[bytes]) -> bool | None:
        monkeypatch.undo()
        with alone(tmp_path):
            return try_lock(file)

    monkeypatch.setattr(segment, "try_lock", lock_late)
    log = Segments(tmp_path)
    log.append([line("a")], NOON)
    log.close()
    (path,) = tmp_path.glob("*.ndjson")
    assert path.read_bytes() == line("a")
    assert not list(tmp_path.glob(".predictions*"))


def test_strict_is_done_once_the_disk_has_it_and_all_that_came_meanwhile_share_the_next_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, sync, begun, go_on = Segments(tmp_path, "strict"), os.fsync, Event(), Event()
    synced: list[int] = []

    def slow(descriptor: int) -> None:
        begun.set()
        assert go_on.wait(10)
        synced.append(descriptor)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    first = log.append([line("a")], NOON)
    assert begun.wait(10)
    others = [log.append([line(name)], NOON) for name in "bcdef"]
    assert not any(future is None or future.done() for future in [first, *others])
    go_on.set()
    for future in [first, *others]:
        assert future is not None
        assert future.result(10) is None
    # The file and its folder for the first, and the file once for all that waited.
    assert len(synced) == 3
    log.close()
    assert files(tmp_path) == [list("abcdef")]


def test_a_disk_that_does_not_take_strict_records_fails_all_that_waited_and_leaves_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, begun, go_on = Segments(tmp_path, "strict"), Event(), Event()
    kept = log.append([line("kept")], NOON)
    assert kept is not None
    kept.result(10)

    def broken(descriptor: int) -> None:
        begun.set()
        assert go_on.wait(10)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        futures = [log.append([line("lost")], NOON)]
        assert begun.wait(10)
        futures += [log.append([line("later")], NOON) for _ in range(2)]
        go_on.set()
        for future in futures:
            assert future is not None
            with pytest.raises(OSError, match="Input/output"):
                future.result(10)
    after = log.append([line("after")], NOON)
    assert after is not None
    after.result(10)
    log.close()
    assert sorted(files(tmp_path)) == [["after"], ["kept"]]


def test_a_disk_that_fails_later_is_told_once_by_the_next_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, failed = Segments(tmp_path, most_bytes=1), Event()

    def broken(descriptor: int) -> None:
        failed.set()
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        log.append([line("a")], NOON)
        assert failed.wait(10)
    with pytest.raises(OSError, match="Input/output"):
        while log.append([line("b")], NOON) is None:
            pass
    log.append([line("c")], NOON)
    log.close()


def test_a_full_disk_refuses_or_where_that_is_allowed_drops_what_it_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refusing, dropping = Segments(tmp_path / "refuse"), Segments(tmp_path / "drop", on_full="drop")
    for log in (refusing, dropping):
        log.append([line("a")], NOON)
    with full_after(20), caplog.at_level(logging.WARNING):
        with pytest.raises(OSError, match="large"):
            refusing.append([line("b")], NOON)
        for _ in range(3):
            assert dropping.append([line("b"), line("c") + line("d")], NOON) is None
    assert dropping.dropped == 9
    assert len(caplog.messages) == 1
    for log in (refusing, dropping):
        log.append([line("e")], NOON)
        log.close()
        assert files(log.folder) == [["a", "e"]]
    assert "9 answers of this process are not on record" in caplog.messages[-1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("only who may mount has a small disk")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("durability", ["fast", "strict"])
def test_on_a_disk_that_is_really_full_exactly_what_was_acknowledged_is_on_record(
    small_disk: Path, durability: Durability
) -> None:
    log = Segments(small_disk / "log", durability)
    acknowledged = []
    with pytest.raises(OSError, match="No space left"):
        for number in range(1_000):
            taken = log.append([line(f"{number:0500}")], NOON)
            if taken is not None:
                taken.result(10)
            acknowledged.append(f"{number:0500}")
    assert len(acknowledged) > 50
    log.close()
    assert files(log.folder) == [acknowledged]
