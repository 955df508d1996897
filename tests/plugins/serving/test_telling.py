"""What a server says where nobody reads it, and how often it says the same."""

from __future__ import annotations

import fcntl
import logging
import os
import select
from collections.abc import Iterator

import pytest

from hookline_serving.http.clients import telling
from hookline_serving.http.clients.telling import MOST_KINDS, MOST_WAITING, Telling

PIPE_BYTES = 4 * select.PIPE_BUF


class Pipe:
    """A pipe that takes little, a logger that writes into it, and all that came out."""

    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        os.set_blocking(self.reading, False)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.telling = Telling(writing)
        self.log = logging.Logger("server")
        self.log.addHandler(self.telling)

    def read(self) -> str:
        """Return what can be read by now."""
        try:
            return os.read(self.reading, 2 * MOST_WAITING).decode()
        except BlockingIOError:
            return ""


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.telling.close()
    os.close(pipe.reading)


def test_what_is_said_again_and_again_is_counted(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    for said in (*["this is no HTTP"] * 1_001, "that is no HTTP", ""):
        monkeypatch.setattr(telling, "SAME_SECONDS", 60.0 if said else 0.0)
        pipe.log.warning("%s", said or "this is no HTTP")
    assert pipe.read() == "this is no HTTP\nthat is no HTTP\nthis is no HTTP (and 1,000 more like it)\n"


def test_errors_of_a_sort_are_of_one_kind_whatever_they_say(pipe: Pipe) -> None:
    for number in range(3):
        for sort in (ValueError, KeyError):
            try:
                raise sort(f"row {number}")
            except sort:
                pipe.log.exception("the model could not answer %d", number)
    said = pipe.read()
    assert said.count("Traceback") == 2
    assert "ValueError: row 0" in said
    pipe.telling.close()
    assert pipe.read().count("(and 2 more like it)") == 2


def test_nothing_waits_for_who_does_not_read_and_what_is_lost_is_counted(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "SAME_SECONDS", 0.0)
    for number in range(2_000):
        pipe.log.warning("%04d %s", number, "x" * 94)
    said = ""
    for _ in range(40):
        said += pipe.read()
        pipe.log.warning("still here")
    lines = said.splitlines()
    lost = [line for line in lines if "could not be written" in line]
    kept = [line for line in lines if line.endswith("x" * 94)]
    assert [int(line[:4]) for line in kept] == list(range(len(kept)))
    assert lost == [f"{2_000 - len(kept):,} of what was to be said could not be written"]
    assert MOST_WAITING - 100 < len(kept) * 100 < MOST_WAITING + PIPE_BYTES


def test_who_causes_many_kinds_of_messages_does_not_cause_many_lines(pipe: Pipe) -> None:
    for number in range(3 * MOST_KINDS):
        pipe.log.warning("%d", number)
    assert pipe.read().splitlines() == [str(number) for number in range(MOST_KINDS)]
