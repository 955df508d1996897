"""A file is written whole or not at all, whoever else writes it and however the writer ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hookline.workspace.files import write_whole
from kit.logs import full_after

SIZE = 2_000_000
WRITER = textwrap.dedent("""
    import itertools, sys
    from pathlib import Path
    from hookline.workspace.files import write_whole

    path, letters, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    for letter in itertools.cycle(letters):
        write_whole(path, letter * size)
""")


@contextmanager
def writing(path: Path, letters: str) -> Iterator[subprocess.Popen[bytes]]:
    """Have a process write the file again and again, each time with one of the letters."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path), letters, str(SIZE)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def await_file(path: Path) -> None:
    until = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < until, "no writer has come so far"
        time.sleep(0.01)


def letter_of(path: Path) -> str:
    """Return the one letter that the whole file consists of."""
    content = path.read_text("utf-8")
    assert len(content) == SIZE
    assert set(content) <= set("abcd")
    assert content == content[0] * SIZE
    return content[0]


def test_text_and_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    write_whole(tmp_path / "text", "größer\r\n")
    write_whole(tmp_path / "bytes", b"\x00\xff")
    assert (tmp_path / "text").read_bytes() == "größer\r\n".encode()
    assert (tmp_path / "bytes").read_bytes() == b"\x00\xff"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bytes", "text"]


def test_a_file_gets_the_rights_that_any_new_file_gets(tmp_path: Path) -> None:
    write_whole(tmp_path / "ours", "")
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("moment", [0.0, 0.003, 0.01, 0.03])
def test_a_writer_that_is_killed_leaves_nothing_that_a_reader_sees(tmp_path: Path, moment: float) -> None:
    path = tmp_path / "file"
    with writing(path, "ab") as process:
        await_file(path)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert letter_of(path) in "ab"
    others = [other.name for other in tmp_path.iterdir() if other != path]
    assert all(name.startswith(".file.") for name in others)
    write_whole(path, "c" * SIZE)
    assert letter_of(path) == "c"


def test_two_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with writing(path, "ab"), writing(path, "cd"):
        await_file(path)
        seen: set[str] = set()
        until = time.monotonic() + 120
        while not (seen & set("ab") and seen & set("cd")):
            assert time.monotonic() < until, f"only {sorted(seen)} were ever there"
            seen.add(letter_of(path))
    assert letter_of(path) in "abcd"


def test_an_error_leaves_no_temporary_behind_and_the_old_file_in_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with full_after(100), pytest.raises(OSError, match="too large"):
        write_whole(path, "x" * 1000)
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert [other.name for other in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "before"


def test_a_folder_in_the_place_of_the_file_is_an_error_that_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "file", "text")
    assert [other.name for other in tmp_path.iterdir()] == ["file"]


def test_what_is_no_folder_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        write_whole(tmp_path / "file" / "inner", "text")
