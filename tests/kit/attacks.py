"""Bad clients of a prediction server, each sort in a thread, and a good one beside them that says how long it waits."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

PAUSE = 0.05
"""Seconds between two requests of one bad client, which is to cost the server something and not this machine."""
MIB = 1024 * 1024


@dataclass(frozen=True)
class Target:
    """A server under attack. row: one that the model takes."""

    host: str
    port: int
    model: str
    row: dict[str, Any]

    def connect(self, timeout: float = 30) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection((self.host, self.port), timeout=timeout)


def request(path: str, body: bytes, length: int | None = None) -> bytes:
    """Return a request's bytes. length: what it says of its body, where that is not the truth."""
    size = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode() + body


def bodies(target: Target) -> dict[str, tuple[str, bytes]]:
    """Return path and body of each request that costs more than it looks."""
    row = json.dumps(target.row).encode()
    misspelt = json.dumps({f"{name}x": value for name, value in target.row.items()}).encode()
    foreign = json.dumps(target.row | {f"c{number}": 1 for number in range(100_000)}).encode()
    tensor = {"name": "amount", "datatype": "FP64", "shape": [1], "data": [1.0]}
    infer = f"/v2/models/{target.model}/infer"
    wide = {"inputs": [tensor | {"name": f"c{number}"} for number in range(20_000)]}
    long = {"inputs": [{"name": f"c{number}", "data": [0.5] * 40_000} for number in range(20)]}

    def rows(one: bytes, count: int) -> bytes:
        return b'{"rows":[' + (one + b",") * (count - 1) + one + b"]}"

    return {
        "millions of empty rows": ("/predict", rows(b"{}", 10 * MIB)),
        "millions of lists": ("/predict", b"[" + b"[]," * 10 * MIB + b"[]]"),
        "misspelt columns": ("/predict", rows(misspelt, 10_000)),
        "foreign columns": ("/predict", rows(foreign, 1)),
        "lists in a row": ("/predict", rows(row[:-1] + b',"more":[' + b"[]," * 40_000 + b"1]}", 80)),
        "too many rows": ("/predict", rows(row, 200_000)),
        "many rows": ("/predict", rows(row, 50_000)),
        "one tensor many times": (infer, json.dumps({"inputs": [tensor] * 20_000}).encode()),
        "many tensors": (infer, json.dumps(wide).encode()),
        "long tensors": (infer, json.dumps(long).encode()),
        "deep lists": ("/predict", b"[" * MIB),
        "no end of a text": ("/predict", b'[{"plan":"' + b"}," * 8 * MIB),
    }


def repeat(asked: bytes) -> Callable[[Target, Event], None]:
    """Return a client that sends a request again and again, and reads what it is answered."""

    def attack(target: Target, over: Event) -> None:
        while not over.wait(PAUSE):
            with suppress(OSError), target.connect() as client:
                client.sendall(asked)
                client.recv(65_536)

    return attack


def pipelined(target: Target, over: Event) -> None:
    """Send requests without end, and read nothing."""
    asked = request("/predict", json.dumps([target.row]).encode()) * 500 + b"GET / HTTP/1.1\r\n\r\n" * 5_000
    while not over.wait(PAUSE):
        with suppress(OSError), target.connect(0.5) as client:
            while not over.is_set():
                client.sendall(asked)


def idle(target: Target, over: Event) -> None:
    """Connect 700 times, and say nothing or half of something."""
    said = [
        b"",
        b"GET /health HT",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n[",
        b"\x16\x03\x01",
    ]
    while not over.wait(PAUSE):
        clients = []
        for number in range(700):
            with suppress(OSError):
                clients.append(target.connect(1))
                clients[-1].sendall(said[number % len(said)])
        over.wait(3)
        for client in clients:
            client.close()


def held(target: Target, over: Event) -> None:
    """Hold 40 bodies of 31 MiB, but for their last byte."""
    part = b" " * (31 * MIB - 1)
    while not over.wait(PAUSE):
        clients = []
        for _ in range(40):
            with suppress(OSError):
                clients.append(target.connect(2))
                clients[-1].sendall(request("/predict", part, length=len(part) + 1))
        over.wait(3)
        for client in clients:
            client.close()


def deaf(target: Target, over: Event) -> None:
    """Ask for large answers and take none of them."""
    asked = request("/predict", json.dumps([target.row] * 20_000).encode())
    clients: list[socket.socket] = []
    while not over.wait(0.5):
        with suppress(OSError):
            clients.append(target.connect(1))
            clients[-1].sendall(asked)
    for client in clients:
        client.close()


def malformed(target: Target, over: Event) -> None:
    """Say what is no HTTP, or a head without an end."""
    while not over.wait(PAUSE):
        for said in (b"\x00" * 100, b"GET / HTTP/9\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 100_000):
            with suppress(OSError), target.connect(1) as client:
                client.sendall(said)
                client.recv(1000)


def sorts(target: Target) -> dict[str, Callable[[Target, Event], None]]:
    """Return every sort of bad client by its name."""
    asked = {name: repeat(request(path, body)) for name, (path, body) in bodies(target).items()}
    return asked | {one.__name__: one for one in (pipelined, idle, held, deaf, malformed)}


def attack(target: Target, seconds: float, names: Sequence[str]) -> None:
    """Attack in several ways at once."""
    over = Event()
    known = sorts(target)
    threads = [Thread(target=known[name], args=(target, over), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    print("begun", flush=True)
    time.sleep(seconds)
    over.set()


def ask(target: Target, seconds: float, anew: bool) -> dict[str, Any]:
    """Ask for one row again and again, as a good client; return how long it waited, and what it was not answered.

    anew: on a new connection each time
    """
    asked = request("/predict", json.dumps([target.row]).encode())
    waits: list[float] = []
    failed: list[str] = []
    until = time.perf_counter() + seconds
    client = target.connect()
    while time.perf_counter() < until:
        begun = time.perf_counter()
        try:
            if anew:
                client.close()
                client = target.connect()
            client, said = _answer(client, target, asked)
        except OSError as error:
            said = repr(error).encode()
            client.close()
            with suppress(OSError):
                client = target.connect()
        waits.append(time.perf_counter() - begun)
        if not said.startswith(b"HTTP/1.1 200"):
            failed.append(said[:300].decode("utf-8", "replace"))
        time.sleep(0.003)
    waits.sort()
    shown = {f"p{part}": 1000 * waits[min(len(waits) - 1, len(waits) * part // 100)] for part in (50, 90, 99)}
    return {"answers": len(waits), **shown, "max": 1000 * waits[-1], "failed": failed[:5], "failures": len(failed)}


def _answer(client: socket.socket, target: Target, asked: bytes) -> tuple[socket.socket, bytes]:
    """Ask, once again where the connection was closed before anything was answered, as HTTP has it (RFC 9112, 9.3.1)."""
    for _ in range(3):
        with suppress(OSError):
            client.sendall(asked)
            said = client.recv(65_536)
            if said:
                return client, said
        client.close()
        client = target.connect()
    raise ConnectionError("closed three times")


@dataclass
class Load:
    """What was measured under attack. memory: largest resident size of the server, in MiB."""

    good: dict[str, Any]
    memory: float
    anew: dict[str, Any] | None = None
    """The same of a good client that opens a connection for each request, where there was one."""


@contextmanager
def _started(what: str, target: Target, seconds: float, names: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    given = json.dumps([[target.host, target.port, target.model, target.row], seconds, names])
    with subprocess.Popen([sys.executable, __file__, what, given], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def under_attack(
    target: Target,
    server: int,
    seconds: float,
    names: Sequence[str] | None = None,
    attacked: Target | None = None,
    anew: bool = False,
) -> Load:
    """Attack a server, of a process id, with a good client beside, each of them in a process of its own.

    names: the sorts of bad clients, all of them by default; attacked: another server, to tell what the attack takes of this
    machine; anew: a second good client, which opens a connection for each request
    """
    named = list(sorts(target)) if names is None else names
    with ExitStack() as open_:
        bad = open_.enter_context(_started("attack", attacked or target, seconds + 2, named))
        assert bad.stdout is not None
        assert bad.stdout.readline() == "begun\n"
        kinds = ["ask", "ask anew"] if anew else ["ask"]
        good = [open_.enter_context(_started(kind, target, seconds, ())) for kind in kinds]
        said = [json.loads(one.communicate(timeout=seconds + 120)[0]) for one in good]
        status = Path(f"/proc/{server}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return Load(said[0], int(peak.split()[1]) / 1024, said[1] if anew else None)


def main(argv: Sequence[str]) -> None:
    """Attack, or ask, as told on the command line."""
    where, seconds, names = json.loads(argv[1])
    if argv[0] == "attack":
        # What bad clients take of this machine they would take of others; also where all else goes before other work (chrt).
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, 0, 19)
        attack(Target(*where), seconds, names)
    else:
        print(json.dumps(ask(Target(*where), seconds, argv[0] == "ask anew")))


if __name__ == "__main__":
    main(sys.argv[1:])
