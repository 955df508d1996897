"""Streams of Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from hookline.errors import DataError

from .broker import BATCH, Broker, Event, Lost, Place
from .hosts import host_and_port

PORT = 6379
"""Where a Redis listens that says no port."""


class RedisStream(Broker):
    """A stream.

    How many events were ever added to it (`entries-added`, Redis 7) tells whether some are gone that were not read, whether by
    trimming or by XDEL.
    """

    what = "stream"

    def end(self) -> Place:
        """Return the last id that was given, and how many events were ever added."""
        with self._connected() as redis:
            return self._end(redis)

    def begin(self) -> Place:
        """Return the id of the first event that is kept."""
        with self._connected() as redis:
            first = redis.xrange(self.access.topic, count=1)
            return {"id": first[0][0].decode() if first else ""}

    def between(self, after: Place | None, upto: Place, lost: Lost) -> Iterator[Event]:
        """Yield the events in the order of their ids."""
        with self._connected() as redis:
            if after is not None:
                self._require_same(self._end(redis), after)
            first, last, count = b"-" if after is None else f"({after['id']}".encode(), upto["id"], 0
            while found := redis.xrange(self.access.topic, min=first, max=last, count=BATCH):
                for key, fields in found:
                    yield Event(key.decode(), int(key.partition(b"-")[0]) * 1000, fields)
                first, count = b"(" + found[-1][0], count + len(found)
        gone = 0 if after is None else upto["added"] - after["added"] - count
        if gone > 0:
            lost(f"{gone:,} events of stream '{self.access.topic}' were trimmed or deleted before they were read")

    def send(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add events in one transaction, each with its values as fields."""
        with self._connected() as redis:
            pipe = redis.pipeline(transaction=True)
            for row in rows:
                pipe.xadd(self.access.topic, {name: _text(value) for name, value in row.items() if value is not None})
            pipe.execute()

    def _end(self, redis: Any) -> Place:
        from redis.exceptions import ResponseError

        try:
            told = redis.xinfo_stream(self.access.topic)
        except ResponseError as error:
            if "no such key" not in str(error):
                raise
            streams = redis.scan(match="*", count=1000, _type="stream")[1]
            raise self.access.missing(self.what, [name.decode("utf-8", "replace") for name in streams]) from None
        if "entries-added" not in told:
            raise DataError(
                f"{self.access.shown} does not tell how many events were added to a stream, so that lost ones go unseen",
                hint="Redis does since version 7",
            )
        return {"id": told["last-generated-id"].decode(), "added": int(told["entries-added"])}

    def _require_same(self, now: Place, after: Place) -> None:
        if now["added"] < after["added"] or _order(now["id"]) < _order(after["id"]):
            raise self.access.anew(self.what)

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """Give a client; untyped, since its types leave open whether it answers with texts or bytes: it is bytes here."""
        from redis import Redis, exceptions
        from redis.backoff import ExponentialBackoff
        from redis.retry import Retry

        access = self.access
        host, port = host_and_port(access.hosts[0])
        redis = Redis(
            host=host,
            port=port or PORT,
            db=int(access.path or 0),
            username=access.user,
            password=access.password,
            ssl=access.scheme == "rediss",
            ssl_ca_certs=None if access.ca is None else str(access.ca),
            socket_timeout=access.timeout,
            socket_connect_timeout=access.timeout,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), retries=2),
        )
        try:
            yield redis
        except (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError) as error:
            raise access.refused(error) from None
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            raise access.away(error) from None
        except exceptions.RedisError as error:
            raise access.fault(error, "look at source.topic: it names the key of a stream") from None
        finally:
            redis.close()


def _order(key: str) -> tuple[int, int]:
    first, _, second = key.partition("-")
    return int(first), int(second or 0)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
