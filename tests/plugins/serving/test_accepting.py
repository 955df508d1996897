"""How the processes of a server share connections: one that has clearly more lets some go, seldom, and never too many."""

from __future__ import annotations

import asyncio
import socket
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from hookline.kinds.deployments import Share
from hookline.live.serving.listening import NOBODY
from hookline_serving.http.clients import accepting
from hookline_serving.http.clients.accepting import Acceptor


@pytest.fixture
def others(tmp_path: Path) -> Callable[..., BinaryIO]:
    """Return the file in which processes say how many connections they have, the one of the test the first of them."""

    def made(*counts: int) -> BinaryIO:
        path = tmp_path / "counts"
        path.write_bytes(array("i", [NOBODY, *counts]).tobytes())
        return path.open("r+b")

    return made


def let_go(held: int, counts: BinaryIO, looks: int = 1) -> list[int]:
    """Return of each time that one is let go how many stay at most, at so many looks one after the other."""
    found: list[int] = []

    async def look() -> None:
        with counts, socket.create_server(("127.0.0.1", 0)) as listening:
            share = Share(listening.fileno(), -1, counts.fileno(), 0, Path())
            acceptor = Acceptor(
                listening, share, lambda: held, lambda _: asyncio.create_task(asyncio.sleep(0)), found.append
            )
            for _ in range(looks):
                acceptor.even_out()

    asyncio.run(look())
    return found


@pytest.mark.parametrize(
    ("held", "counts", "stay"),
    [
        (8, [0], [3]),
        (9, [4], [8]),
        (8, [4], []),
        (3, [0], []),
        (4, [0], [3]),
        (100, [40, 60], [80]),
        (100, [NOBODY], []),
        (100, [NOBODY, 50], []),
    ],
)
def test_one_is_let_go_where_there_are_more_than_twice_as_many_and_four_more(
    others: Callable[..., BinaryIO], held: int, counts: list[int], stay: list[int]
) -> None:
    assert let_go(held, others(*counts)) == stay


def test_they_are_let_go_seldom(others: Callable[..., BinaryIO], monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(let_go(50, others(0), looks=20)) == 1
    monkeypatch.setattr(accepting, "LET_GO_SECONDS", 0.0)
    assert len(let_go(50, others(0), looks=20)) == 20


def test_who_ends_waits_for_connections_that_are_being_opened(
    others: Callable[..., BinaryIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    async def open_slowly(client: socket.socket) -> None:
        with client:
            await asyncio.sleep(0.1)
            opened.append("one")
            await asyncio.sleep(60)

    async def end() -> None:
        with others(0) as counts, socket.create_server(("127.0.0.1", 0)) as listening:
            share = Share(listening.fileno(), -1, counts.fileno(), 0, Path())
            acceptor = Acceptor(
                listening, share, lambda: 0, lambda client: asyncio.create_task(open_slowly(client)), lambda _: None
            )
            acceptor.begin()
            with socket.create_connection(listening.getsockname()):
                await asyncio.sleep(0.05)
                acceptor.close()
                assert opened == []
                await acceptor.opened()

    monkeypatch.setattr(accepting, "OPENING_SECONDS", 0.3)
    asyncio.run(end())
    assert opened == ["one"]
