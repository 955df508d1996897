"""Which broker stands behind a URL."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from hookline.errors import MissingBackend
from hookline.telling.secrets import redacted

from .broker import Access, Broker
from .hosts import host_and_port

BACKENDS: Mapping[str, tuple[str, str]] = {
    "redis": ("redis", "redis"),
    "rediss": ("redis", "redis"),
    "nats": ("nats", "nats"),
    "tls": ("nats", "nats"),
    "kafka": ("confluent_kafka", "kafka"),
    "kafka+ssl": ("confluent_kafka", "kafka"),
}
"""Scheme of a URL -> the module that reaches such a broker, and the extra that installs it."""


def parts_of(url: str) -> tuple[str, tuple[str, ...], str]:
    """Return scheme, hosts and path of a URL; raises ValueError for what is none of a broker."""
    scheme, _, rest = url.partition("://")
    hosts, _, path = rest.partition("/")
    if scheme not in BACKENDS or not hosts:
        told = "url must begin with redis://, rediss://, nats://, tls://, kafka:// or kafka+ssl:// and name a host"
        raise ValueError(f"{told}, got {redacted(url)!r}")
    if "@" in rest:
        raise ValueError("url has credentials in it; give source.user, and source.password=${oc.env:BROKER_PASSWORD}")
    if "?" in rest or "#" in rest:
        raise ValueError("url has parameters behind it, of which none is known")
    if path and not scheme.startswith("redis"):
        raise ValueError(f"url ends in {path!r}, and only that of Redis names a database there")
    if path and not path.isdecimal():
        raise ValueError(f"url must end in the number of a database, such as /0, got {path!r}")
    each = tuple(hosts.split(","))
    if len(each) > 1 and scheme.startswith("redis"):
        raise ValueError(f"url names {len(each)} hosts, and a stream of Redis is at one")
    for host in each:
        host_and_port(host)
    return scheme, each, path


def broker_of(access: Access) -> Broker:
    """Return the broker; raises MissingBackend where its library is not installed."""
    module, extra = BACKENDS[access.scheme]
    if find_spec(module) is None:
        raise MissingBackend(f"source 'events' with {access.scheme}://", module, extra)
    if extra == "redis":
        from .redis_streams import RedisStream

        return RedisStream(access)
    if extra == "nats":
        from .jetstream import JetStream

        return JetStream(access)
    from .kafka import KafkaTopic

    return KafkaTopic(access)
