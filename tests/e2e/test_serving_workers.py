"""Several processes that serve one port: who gets a connection, one that dies, one that cannot begin, and a drain."""

from __future__ import annotations

import json
import shutil
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

import hookline as hl
from hookline.errors import StoreError, UsageError
from hookline.live.serving.crew import WorkersFailed
from kit.serving import ROW, Server, serving, train_churn
from kit.versions import until

BODY = json.dumps([ROW] * 10).encode()
HEAD = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def package(home: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_HOME", str(home))
        return train_churn()


@pytest.fixture(scope="module")
def server(package: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers; the last test drains them."""
    with serving(package, home, tmp_path_factory.mktemp("log"), "--workers", "2") as made:
        yield made


def sizes(log: Path) -> dict[str, int]:
    """Return how long each file of a log is; each process writes its own."""
    return {path.name: path.stat().st_size for path in log.glob("*.ndjson")}


def test_connections_are_shared_by_the_workers(server: Server) -> None:
    assert server.log is not None
    # The announcement comes with the first that can answer.
    assert until(lambda: len(server.workers()) == 2 and len(sizes(server.log or Path())) == 2)
    with ExitStack() as opened:
        clients = [opened.enter_context(httpx.Client(base_url=server.url, timeout=20)) for _ in range(8)]
        answered = Counter[str]()
        for client in clients:
            before = sizes(server.log)
            assert client.post("/predict", json=ROW).status_code == 200
            answered.update(name for name, size in sizes(server.log).items() if size != before[name])
    assert sum(answered.values()) == 8
    assert len(answered) == 2
    assert min(answered.values()) >= 2, answered


def counted(url: str) -> float:
    """Return how many requests whichever worker is asked says that all of them had answered."""
    text = httpx.get(f"{url}/metrics", timeout=20).text
    families = text_string_to_metric_families(text)
    return sum(one.value for family in families for one in family.samples if one.name == "hookline_requests_total")


def test_whichever_worker_is_asked_counts_the_requests_of_all(server: Server) -> None:
    asked = len(server.records())
    assert until(lambda: {counted(server.url) for _ in range(6)} == {asked}, 20), (counted(server.url), asked)


def test_a_worker_that_is_killed_is_replaced_while_the_other_answers(server: Server) -> None:
    killed, other = server.workers()
    killed.kill()
    killed.wait(20)
    # Whoever is asked now, asks the other.
    (answer,) = server.predict(ROW)
    assert answer["id"] in {record["id"] for record in server.records()}
    assert until(lambda: len({*server.workers()} - {killed, other}) == 1)
    assert until(lambda: len(sizes(server.log or Path())) == 3)
    assert server.predict(ROW, ROW)
    # What the killed one had said stays, so that a counter never goes back.
    assert until(lambda: {counted(server.url) for _ in range(6)} == {10.0}, 20), counted(server.url)


def test_connections_that_all_came_while_one_worker_was_busy_are_evened_out_without_loss(server: Server) -> None:
    assert server.log is not None
    busy, _ = server.workers()
    with ExitStack() as opened:
        clients = [opened.enter_context(httpx.Client(base_url=server.url, timeout=20)) for _ in range(8)]
        before = len(server.records())
        busy.suspend()
        try:
            assert [client.post("/predict", json=ROW).status_code for client in clients] == [200] * 8
        finally:
            busy.resume()
        answered, asked = Counter[str](), 8

        def ask_all() -> bool:
            nonlocal asked
            answered.clear()
            for client in clients:
                held = sizes(server.log or Path())
                assert client.post("/predict", json=ROW).status_code == 200
                asked += 1
                answered.update(name for name, size in sizes(server.log or Path()).items() if size != held[name])
            return len(answered) == 2 and min(answered.values()) >= 3

        assert until(ask_all, 20), answered
    assert len(server.records()) == before + asked


def test_what_is_wrong_with_a_package_is_told_as_with_one_process(package: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(package, damaged)
    (damaged / "model.onnx").write_bytes(b"no model")
    with pytest.raises(StoreError) as alone:
        hl.serve(damaged, port=0, log=False)
    with pytest.raises(WorkersFailed) as together:
        hl.serve(damaged, port=0, log=False, workers=2)
    assert str(together.value) == str(alone.value)
    assert together.value.exit_code == alone.value.exit_code


def test_workers_that_die_at_their_start_again_and_again_end_the_server(
    package: Path, project_module: Callable[[str, str], str]
) -> None:
    project_module(
        "deadly",
        """
        import os, sys
        from hookline import hookimpl

        @hookimpl
        def register_trainers():
            return []

        if sys.modules["__main__"].__spec__ and "worker" in sys.modules["__main__"].__spec__.name and "-P" in sys.orig_argv:
            sys.stderr.write("the driver is gone\\n")
            os._exit(7)
        """,
    )
    with pytest.raises(WorkersFailed, match=r"5 workers in turn ended .* ended with 7: the driver is gone") as failed:
        hl.serve(package, port=0, log=False, workers=2)
    assert failed.value.exit_code == 1


def test_as_many_workers_as_none_is_refused(package: Path) -> None:
    with pytest.raises(UsageError, match="workers must be 1 or more, got 0"):
        hl.serve(package, workers=0)


def test_a_drain_answers_what_is_under_way_and_leaves_no_worker(server: Server) -> None:
    url = httpx.URL(server.url)
    workers, before = server.workers(), len(server.records())
    clients = [socket.create_connection((url.host, url.port or 80), timeout=20) for _ in range(6)]
    for client in clients:
        client.sendall(HEAD.encode())
    # Only the application asks for a body, so that this is the proof that a request is under way.
    assert [client.recv(100)[:12] for client in clients] == [b"HTTP/1.1 100"] * 6
    server.process.send_signal(signal.SIGTERM)
    replies = []
    for client in clients:
        client.sendall(BODY)
        replies.append(b"".join(iter(lambda client=client: client.recv(65_536), b""))[:12])  # type: ignore[misc]
        client.close()
    assert replies == [b"HTTP/1.1 200"] * 6
    assert server.process.wait(20) == 128 + signal.SIGTERM
    assert len(server.records()) == before + 60
    assert not any(psutil.pid_exists(worker.pid) for worker in workers)
    assert server.process.stderr is not None
    assert "Traceback" not in server.process.stderr.read()
