"""Brokers that tests of one process share, each with topics of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from kit.brokers import PASSWORD, SYSTEMS, Bus, KafkaBus, NatsBus, RedisBus, kafka_bus, nats_bus, redis_bus


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_PASSWORD", PASSWORD)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisBus]:
    """A real Redis."""
    with redis_bus(tmp_path_factory.mktemp("redis")) as bus:
        yield bus


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsBus]:
    """A real NATS."""
    with nats_bus(tmp_path_factory.mktemp("nats")) as bus:
        yield bus


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[KafkaBus]:
    """Mock brokers of Kafka."""
    with kafka_bus() as bus:
        yield bus


@pytest.fixture(params=SYSTEMS)
def bus(request: pytest.FixtureRequest) -> Bus:
    """A broker, of each kind."""
    found: Bus = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def topic() -> str:
    """A topic that no other test has."""
    return f"t{uuid.uuid4().hex[:12]}"
