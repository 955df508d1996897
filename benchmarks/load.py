"""A load generator: many keep-alive connections from a process of its own, each sending the same request again and again."""

from __future__ import annotations

import json
import multiprocessing
import random
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
CHUNKED = b"transfer-encoding: chunked"
LAST_CHUNK = b"\r\n0\r\n\r\n"
"""What an answer ends with that comes in chunks: it says no length."""
WARM_UP_SECONDS = 0.5


def requests_per_second(url: str, body: bytes, connections: int, seconds: float) -> float:
    """Return answered requests a second; raises RuntimeError if an answer is no 200."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_drive, (url, body, connections, seconds))


def latencies(url: str, body: bytes, connections: int, seconds: float) -> list[float]:
    """Return how many seconds each answered request took, ascending; raises RuntimeError if an answer is no 200."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return sorted(pool.apply(_drive, (url, body, connections, seconds, True)))


def latencies_at(url: str, body: bytes, connections: int, seconds: float, rate: float) -> list[float]:
    """Return how many seconds requests took that come at random moments, ascending; raises RuntimeError as `latencies`.

    They are counted from when each was due, so one that has to wait for a connection counts in full.
    rate: requests a second on average, whatever becomes of those before
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return sorted(pool.apply(_drive, (url, body, connections, seconds, True, rate)))


def _drive(
    url: str, body: bytes, connections: int, seconds: float, timed: bool = False, rate: float | None = None
) -> float | list[float]:
    where, _, path = url.removeprefix("http://").partition("/")
    host, port = where.split(":")
    head = f"POST /{path} HTTP/1.1\r\nhost: {where}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    sockets = [socket.create_connection((host, int(port))) for _ in range(connections)]
    try:
        _ask(sockets, request, WARM_UP_SECONDS)
        took: list[float] = []
        if rate is not None:
            _ask_at(sockets, request, seconds, rate, took)
            return took
        reached = _ask(sockets, request, seconds, took)
        return took if timed else reached
    finally:
        for one in sockets:
            one.close()


def _ask(sockets: Sequence[socket.socket], request: bytes, seconds: float, took: list[float] | None = None) -> float:
    """Return answers a second: each connection asks again as soon as it is answered. took: gets the seconds of each answer.

    Bare sockets, since an event loop with streams costs more a request than the servers that are measured do.
    """
    count = 0
    with selectors.DefaultSelector() as selector:
        for one in sockets:
            selector.register(one, selectors.EVENT_READ)
        started = time.perf_counter()
        sent = {}
        for one in sockets:
            sent[one] = time.perf_counter()
            one.sendall(request)
        while (now := time.perf_counter()) < started + seconds:
            for key, _ in selector.select():
                _receive(key.fileobj)
                if took is not None:
                    answered = time.perf_counter()
                    took.append(answered - sent[key.fileobj])
                    sent[key.fileobj] = answered
                key.fileobj.sendall(request)
                count += 1
    for one in sockets:
        _receive(one)
    return count / (now - started)


def _ask_at(sockets: Sequence[socket.socket], request: bytes, seconds: float, rate: float, took: list[float]) -> None:
    """Send requests when they are due, each on the first connection that is free. took: gets the seconds of each answer"""
    free, due_of = deque(sockets), dict[socket.socket, float]()
    # Unlike epoll, it waits for parts of a millisecond.
    with selectors.SelectSelector() as selector:
        for one in sockets:
            selector.register(one, selectors.EVENT_READ)
        due = time.perf_counter()
        end = due + seconds
        while due < end or due_of:
            wait = max(0.0, due - time.perf_counter()) if free and due < end else None
            for key, _ in selector.select(wait):
                _receive(key.fileobj)
                took.append(time.perf_counter() - due_of.pop(key.fileobj))
                free.append(key.fileobj)
            while free and due < end and due <= time.perf_counter():
                one = free.popleft()
                due_of[one] = due
                one.sendall(request)
                due += random.expovariate(rate)


def _receive(one: socket.socket) -> None:
    """Take one answer; raises RuntimeError where it is no 200."""
    answer = one.recv(65_536)
    while (end := answer.find(END_OF_HEAD)) < 0:
        answer += _more(one)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer.decode())
    # Names of fields are of either case; an answer that says neither would end with the connection, which stays.
    head = answer[: end + 2].lower()
    start = head.find(LENGTH) + len(LENGTH)
    if start < len(LENGTH):
        if CHUNKED not in head:
            raise RuntimeError(f"the answer says neither its length nor that it comes in chunks: {head.decode()}")
        while not answer.endswith(LAST_CHUNK):
            answer += _more(one)
        return
    size = end + len(END_OF_HEAD) + int(head[start : head.index(b"\r", start)])
    while len(answer) < size:
        answer += _more(one)


def _more(one: socket.socket) -> bytes:
    found = one.recv(65_536)
    if not found:
        raise RuntimeError("the server closed the connection")
    return found


if __name__ == "__main__":
    print(requests_per_second(sys.argv[1], json.dumps(json.loads(sys.argv[2])).encode(), int(sys.argv[3]), 5))
