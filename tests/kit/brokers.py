"""Real brokers with topics of a test's own: Redis, NATS, and the Kafka that librdkafka brings for tests."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import hookline as hl
from hookline_events import EventsSource
from kit.processes import free_port, lacks

SYSTEMS = ("redis", "nats", "kafka")
PASSWORD = "correct-horse-battery"
REFERENCE = "${oc.env:BROKER_PASSWORD}"
"""What stands for it; the fixtures of brokers set the variable."""
USER = "ada"


class Bus(ABC):
    """A broker whose topics a test fills."""

    kind: str
    url: str

    @property
    def access(self) -> Mapping[str, Any]:
        """The fields of the source that say where it is and who asks."""
        return {"url": self.url, "password": hl.Secret(REFERENCE)}

    def source(self, topic: str, **fields: Any) -> EventsSource:
        """Return the source of a topic."""
        return EventsSource(**{"topic": topic, **self.access, **fields})

    def words(self, topic: str, kind: str = "source") -> list[str]:
        """Return the overrides that name the topic, with the password by the variable BROKER_PASSWORD."""
        said = {"url": self.url, "topic": topic, "password": REFERENCE, **self.more}
        return [f"{kind}=events", *(f"{kind}.{name}={value}" for name, value in said.items())]

    @property
    def more(self) -> Mapping[str, str]:
        """Fields beside those of every broker, as words."""
        return {}

    def add(self, topic: str, *rows: Mapping[str, Any]) -> None:
        """Send rows, as JSON."""
        self.put(topic, *(json.dumps(row).encode() for row in rows))

    @abstractmethod
    def put(self, topic: str, *bodies: bytes) -> None:
        """Send bytes, making the topic where it is not there."""

    @abstractmethod
    def trim(self, topic: str, keep: int) -> None:
        """Let events go but for the last few."""


class RedisBus(Bus):
    """A Redis; an event is JSON in the field `event`."""

    kind = "redis"

    def __init__(self, port: int) -> None:
        from redis import Redis

        self.url = f"redis://127.0.0.1:{port}/0"
        self.redis = Redis(port=port, password=PASSWORD)

    @property
    def access(self) -> Mapping[str, Any]:
        """The fields of the source that say where it is and who asks."""
        return {**super().access, "field": "event"}

    @property
    def more(self) -> Mapping[str, str]:
        """Fields beside those of every broker, as words."""
        return {"field": "event"}

    def put(self, topic: str, *bodies: bytes) -> None:
        """Send bytes."""
        pipe = self.redis.pipeline()
        for body in bodies:
            pipe.xadd(topic, {"event": body})
        pipe.execute()

    def trim(self, topic: str, keep: int) -> None:
        """Let events go."""
        self.redis.xtrim(topic, maxlen=keep, approximate=False)


class NatsBus(Bus):
    """A NATS with JetStream; each topic is a stream of one subject."""

    kind = "nats"

    def __init__(self, port: int) -> None:
        self.url = f"nats://127.0.0.1:{port}"
        self.made: set[str] = set()

    @property
    def access(self) -> Mapping[str, Any]:
        """The fields of the source that say where it is and who asks."""
        return {**super().access, "user": USER}

    @property
    def more(self) -> Mapping[str, str]:
        """Fields beside those of every broker, as words."""
        return {"user": USER}

    def put(self, topic: str, *bodies: bytes) -> None:
        """Send bytes."""

        async def send(jetstream: Any) -> None:
            if topic not in self.made:
                await jetstream.add_stream(name=topic.upper(), subjects=[topic])
                self.made.add(topic)
            for body in bodies:
                await jetstream.publish(topic, body)

        self.run(send)

    def trim(self, topic: str, keep: int) -> None:
        """Let events go."""
        self.run(lambda jetstream: jetstream.purge_stream(topic.upper(), keep=keep))

    def run(self, act: Any) -> None:
        """Do something with JetStream."""

        async def connected() -> None:
            import nats

            client = await nats.connect(self.url, user=USER, password=PASSWORD)
            await act(client.jetstream())
            await client.close()

        asyncio.run(connected())


KAFKA = """
import base64, json, os, sys
from confluent_kafka import Producer

producer = Producer({"test.mock.num.brokers": 1, "log_level": 0})
print(next(iter(producer.list_topics(timeout=10).brokers.values())).port, flush=True)
for line in sys.stdin:
    topic, bodies = json.loads(line)
    for body in bodies:
        producer.produce(topic, base64.b64decode(body), partition=0)
    print(producer.flush(30), flush=True)
# Taking mock brokers down may wait for ever for threads of theirs.
os._exit(0)
"""
"""A process that has mock brokers: it says their port, then sends what it is told, a line each, and ends with its input."""


class KafkaBus(Bus):
    """librdkafka's mock brokers in a process of their own; events go to one partition of four."""

    kind = "kafka"

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.asked, self.told = process.stdin, process.stdout
        self.url = f"kafka://127.0.0.1:{int(self.told.readline())}"

    @property
    def access(self) -> Mapping[str, Any]:
        """The fields of the source that say where it is; these brokers ask for no password."""
        return {"url": self.url}

    def words(self, topic: str, kind: str = "source") -> list[str]:
        """Return the overrides that name the topic."""
        return [word for word in super().words(topic, kind) if ".password=" not in word]

    def put(self, topic: str, *bodies: bytes) -> None:
        """Send bytes."""
        self.asked.write(json.dumps([topic, [base64.b64encode(body).decode() for body in bodies]]) + "\n")
        self.asked.flush()
        assert self.told.readline() == "0\n"

    def trim(self, topic: str, keep: int) -> None:
        """Let events go: a mock broker keeps the last five megabytes of a partition."""
        for _ in range(7):
            self.put(topic, json.dumps({"n": 0, "fill": "x" * 900_000}).encode())


@contextmanager
def redis_bus(folder: Path, **more: Any) -> Iterator[RedisBus]:
    """Start a Redis, which ends with the block. more: what it is asked besides, as its config calls it"""
    if (server := shutil.which("redis-server")) is None:
        lacks("Redis is not installed: apt-get install redis-server")
    port = free_port()
    asked = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": folder, "requirepass": PASSWORD}
    asked |= more
    command = [server, *(str(word) for name, value in asked.items() for word in (f"--{name}", value))]
    with _running(command, port):
        bus = RedisBus(port)
        yield bus
        bus.redis.close()


@contextmanager
def nats_bus(folder: Path) -> Iterator[NatsBus]:
    """Start a NATS server with JetStream, which ends with the block."""
    if (server := shutil.which("nats-server")) is None:
        lacks("NATS is not installed: apt-get install nats-server")
    port = free_port()
    named = ["--user", USER, "--pass", PASSWORD]
    with _running([server, "-js", "-a", "127.0.0.1", "-p", str(port), "-sd", str(folder), *named], port):
        yield NatsBus(port)


@contextmanager
def kafka_bus() -> Iterator[KafkaBus]:
    """Start mock brokers, which end with the block."""
    command = [sys.executable, "-c", KAFKA]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield KafkaBus(process)
        finally:
            process.kill()


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:  # type: ignore[call-overload]
        try:
            until = time.monotonic() + 60
            while not _answers(port):
                assert process.poll() is None, f"it ended with {process.returncode}"
                assert time.monotonic() < until, f"nobody listens at {port}"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False
