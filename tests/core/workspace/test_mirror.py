"""A mirror that is down costs time, little of it, and nothing else."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookline.errors import StoreError
from hookline.workspace import mirror
from hookline.workspace.store import Store

KEYS = [digit * 64 for digit in "abc"]


def fill(folder: Path) -> None:
    (folder / "data.txt").write_text("hello", "utf-8")


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes what it is told and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/store"


def test_a_mirror_that_never_answers_is_waited_for_once(
    tmp_path: Path, silent: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mirror, "PATIENCE_SECONDS", 0.3)
    store = Store(tmp_path / "store", remote=silent)
    began = time.monotonic()
    with caplog.at_level(logging.WARNING, logger="hookline.workspace.store"):
        assert not store.has(KEYS[0])
        for key in KEYS:
            store.put(key, fill)
            assert store.get(key) is not None
    assert time.monotonic() - began < 5
    assert [record.message.partition(" ")[2] for record in caplog.records] == [
        f"could not be {way}, and is left alone for a while: no answer (TimeoutError)" for way in ("read", "written")
    ]


def test_a_mirror_that_is_back_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "REST_SECONDS", 0.2)
    there = tmp_path / "remote"
    there.write_text("not a folder")
    store = Store(tmp_path / "store", remote=f"file://{there}")
    store.put(KEYS[0], fill)
    there.unlink()
    time.sleep(0.3)
    store.put(KEYS[1], fill)
    other = Store(tmp_path / "other", remote=f"file://{there}")
    assert [other.has(key) for key in KEYS] == [False, True, False]


def test_an_entry_that_lost_a_file_at_the_mirror_is_made_whole_by_the_next_put(tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    Store(tmp_path / "one", remote=f"file://{remote}").put(KEYS[0], fill)
    (lost,) = remote.glob("**/data.txt")
    lost.unlink()
    other = Store(tmp_path / "two", remote=f"file://{remote}")
    assert other.get(KEYS[0]) is None
    other.put(KEYS[0], fill)
    assert lost.read_text() == "hello"


def test_a_mirror_that_may_only_be_read_goes_on_being_read(tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    Store(tmp_path / "one", remote=f"file://{remote}").put(KEYS[0], fill)
    other = Store(tmp_path / "two", remote=f"file://{remote}")
    (remote / "bb").symlink_to("/proc")  # Where nothing can be made.
    other.put(KEYS[1], fill)
    assert other.get(KEYS[0]) is not None


@pytest.mark.parametrize("port", ["99999", "port"])
def test_a_bad_port_is_one_clear_error(tmp_path: Path, port: str) -> None:
    with pytest.raises(StoreError, match="cannot be opened: Port") as told:
        Store(tmp_path / "store", remote=f"http://127.0.0.1:{port}/store")
    assert len(str(told.value).splitlines()) == 2


def test_a_user_without_a_home_is_told_where_the_key_may_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    with pytest.raises(StoreError, match="there is no home folder for the key") as told:
        Store(tmp_path / "store")
    assert "HOOKLINE_STORE_KEY" in str(told.value.hint)
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "ours")
    Store(tmp_path / "store").put(KEYS[0], fill)
