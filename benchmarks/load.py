"""A load generator: many keep-alive connections from processes of their own, each sending the same request again and again."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import time


def requests_per_second(url: str, body: bytes, connections: int, seconds: float) -> float:
    """Return answered requests a second; raises RuntimeError if an answer is no 200."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_drive, (url, body, connections, seconds))


def _drive(url: str, body: bytes, connections: int, seconds: float) -> float:
    host, port = url.removeprefix("http://").partition("/")[0].split(":")
    path = "/" + url.removeprefix("http://").partition("/")[2]
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    try:
        import uvloop

        return uvloop.run(_all(host, int(port), request, connections, seconds))
    except ImportError:
        return asyncio.run(_all(host, int(port), request, connections, seconds))


async def _all(host: str, port: int, request: bytes, connections: int, seconds: float) -> float:
    await asyncio.gather(*(_one(host, port, request, time.perf_counter() + 0.5) for _ in range(connections)))
    started = time.perf_counter()
    counts = await asyncio.gather(*(_one(host, port, request, started + seconds) for _ in range(connections)))
    return sum(counts) / (time.perf_counter() - started)


async def _one(host: str, port: int, request: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    count = 0
    while time.perf_counter() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head[:20]:
            raise RuntimeError(head.decode())
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        count += 1
    writer.close()
    return count


if __name__ == "__main__":
    print(requests_per_second(sys.argv[1], json.dumps(json.loads(sys.argv[2])).encode(), int(sys.argv[3]), 5))
