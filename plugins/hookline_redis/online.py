"""Values of feature sets in Redis: a hash a writing of a join, and one that says which writing is in force.

`hookline:joins` has a field a join, a JSON list of set and join, which holds what is told of it and the number of its writing.
`hookline:kept:NUMBER` has a field a key, and HEAD, by which a hash that was evicted is told from one without the key.
A writing fills a hash of its own, which expires unless the writer goes on, and one transaction puts it in force.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from hookline.errors import FeaturesAway, MissingBackend, UsageError
from hookline.kinds.features.online import Held, Replaced
from hookline.telling.secrets import redacted, remember

T = TypeVar("T")

JOINS = "hookline:joins"
KEPT = "hookline:kept:"
HEAD = ""
"""A field that no key has: a key is a JSON list."""
PASSWORD, USER, CA = "HOOKLINE_ONLINE_STORE_PASSWORD", "HOOKLINE_ONLINE_STORE_USER", "HOOKLINE_ONLINE_STORE_CA"
"""Variables for what need not stand in the URL: the password, the user, and a file of certificates, PEM."""
SECONDS = 0.5
"""How long a Redis may say nothing, who answers a row being kept waiting; the next is asked again."""
WRITE_SECONDS = 30.0
"""The same while values are written."""
LEFT_FOR = 3600
"""Seconds after which what a killed writer left is gone."""
AT_ONCE = 5_000
"""Keys that are written or asked for together."""


class RedisFeatures:
    """The stored values of one database of a Redis; for one thread at a time."""

    waits = True

    def __init__(self, url: str, options: Mapping[str, Any], place: str) -> None:
        self._url, self._options, self._place = url, options, place
        self._client: Any = None

    @classmethod
    def at(cls, url: str) -> RedisFeatures:
        """Return the store at a URL; raises UsageError for one that names no database of a host, and MissingBackend."""
        try:
            import redis  # noqa: F401
        except ImportError:
            raise MissingBackend("HOOKLINE_ONLINE_STORE=redis://...", "redis", "redis") from None
        scheme, place = _place_in(url)
        options: dict[str, Any] = {
            name: os.environ[variable]
            for name, variable in (("password", PASSWORD), ("username", USER))
            if variable in os.environ
        }
        if PASSWORD in os.environ:
            remember(os.environ[PASSWORD])
        if (ca := os.environ.get(CA)) and scheme == "rediss":
            if not Path(ca).is_file():
                raise UsageError(f"{CA}={ca}: there is no such file", hint="name a file of certificates, PEM")
            options["ssl_ca_certs"] = ca
        return cls(url, options, place)

    @property
    def place(self) -> str:
        """The host and the database, without who asks."""
        return self._place

    def reading(self) -> nullcontext[None]:
        """Do nothing: each writing has values of its own, and one that is gone is told by Replaced."""
        return nullcontext()

    def held(self) -> list[Held]:
        """Return what is held, by set and join."""
        with self._connected() as redis:
            fields = redis.hgetall(JOINS)
        return sorted((_held(self._place, *one) for one in fields.items()), key=lambda one: (one.set, one.join))

    def values(self, held: Held, keys: Sequence[str]) -> list[str | None]:
        """Return the texts of keys in order; raises Replaced where the writing is gone, or its values were evicted."""
        with self._connected() as redis:
            parts = [redis.hmget(KEPT + held.writing, [HEAD, *some]) for some in _some(keys)]
            gone = any(part[0] is None for part in parts)
            if gone and (now := redis.hget(JOINS, _field(held))) is not None:
                self._tell_gone(held, _held(self._place, _field(held).encode(), now))
        if gone:
            raise self._replaced(held)
        return [None if text is None else _text(text) for text in chain.from_iterable(part[1:] for part in parts)]

    def write(self, held: Held, rows: Iterable[tuple[str, str]]) -> None:
        """Put the values of a join in the place of those there were; who reads meanwhile sees these or those."""
        number = uuid.uuid4().hex
        told = json.dumps({"version": held.version, "facts": held.facts, "writing": number})
        with self._connected(WRITE_SECONDS) as redis:
            for some in chain([((HEAD, "1"),)], _some(rows)):
                pipe = redis.pipeline(transaction=False)
                pipe.hset(KEPT + number, mapping=dict(some))
                pipe.expire(KEPT + number, LEFT_FOR)
                pipe.execute()
            redis.transaction(lambda pipe: _put_in_force(pipe, held, number, told), JOINS, KEPT + number)

    def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _tell_gone(self, asked: Held, now: Held) -> None:
        """Raise FeaturesAway where the values of the writing in force are gone: another reading would find them no more."""
        if now.writing == asked.writing:
            raise FeaturesAway(
                f"{self._place} no longer has the values of {asked.set}.{asked.join}: they were evicted or deleted",
                hint=f"`hookline features materialize {asked.set}` writes them anew; give Redis maxmemory-policy noeviction",
            )

    def _replaced(self, held: Held) -> Replaced:
        return Replaced(
            f"the values of {held.set}.{held.join} at {self._place} are written anew again and again",
            hint="ask again once they are",
        )

    @contextmanager
    def _connected(self, seconds: float = SECONDS) -> Iterator[Any]:
        """Give a client, untyped since its types leave open whether it answers with texts or bytes: it is bytes here."""
        from redis import exceptions

        client = self._opened() if seconds == SECONDS else self._made(seconds)
        try:
            yield client
        except (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError) as error:
            raise self._away(error, f"see to the user and {PASSWORD}, and what that user may do") from None
        except exceptions.OutOfMemoryError as error:
            raise self._away(error, "give it more memory (maxmemory); what was stored before is in force") from None
        except exceptions.RedisError as error:
            raise self._away(error, "look whether it runs, and at HOOKLINE_ONLINE_STORE") from None
        finally:
            if client is not self._client:
                client.close()

    def _opened(self) -> Any:
        if self._client is None:
            self._client = self._made(SECONDS)
        return self._client

    def _made(self, seconds: float) -> Any:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # Once more, since a connection that was kept may be of a server that has started anew since.
        return Redis.from_url(
            self._url,
            socket_timeout=seconds,
            socket_connect_timeout=min(seconds, 5.0),
            retry=Retry(NoBackoff(), 1),
            **self._options,
        )

    def _away(self, error: BaseException, hint: str) -> FeaturesAway:
        words = str(error).strip().partition("\n")[0] or type(error).__name__
        return FeaturesAway(redacted(f"the online store {self._place} cannot be used: {words[:200]}"), hint=hint)


def _place_in(url: str) -> tuple[str, str]:
    """Return the scheme, and the host and database without who asks; raises UsageError, which tells nothing that may be a secret.

    A password with a slash in it that is not written as %2F makes what stands before that the host, and the rest a path.
    """
    hint = "write redis://host:6379/0 or rediss://host:6379/0; HOOKLINE_ONLINE_STORE_PASSWORD may hold the password"
    try:
        said = urlsplit(url)
        host, port, base = said.hostname, said.port or 6379, said.path.strip("/") or "0"
        (host or "").encode("idna")  # As whoever connects does.
    except ValueError:
        raise UsageError("HOOKLINE_ONLINE_STORE is no URL with a host and a port", hint=hint) from None
    if not host:
        raise UsageError("HOOKLINE_ONLINE_STORE names no host", hint=hint)
    place = f"{said.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    if said.query or said.fragment:
        raise UsageError(f"HOOKLINE_ONLINE_STORE has parameters behind {place}", hint=hint)
    if not base.isdecimal():
        raise UsageError(f"HOOKLINE_ONLINE_STORE ends in no number of a database behind {place}", hint=hint)
    return said.scheme, f"{place}/{base}"


def _put_in_force(pipe: Any, held: Held, number: str, told: str) -> None:
    """Take the place of the writing before; tried again by the library where another writer was first, or the reply was lost."""
    before = pipe.hget(JOINS, _field(held))
    gone = None if before is None else _writing(before)
    if gone == number:
        return  # Redis did it, and was not heard.
    if not pipe.hexists(KEPT + number, HEAD):
        raise FeaturesAway(
            f"the values of {held.set}.{held.join} went from Redis while they were written",
            hint="what was stored before is in force; give Redis maxmemory-policy noeviction, and materialize again",
        )
    pipe.multi()
    pipe.persist(KEPT + number)
    pipe.hset(JOINS, _field(held), told)
    if gone is not None:
        pipe.unlink(KEPT + gone)


def _some(items: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """Yield items, so many at a time; `itertools.batched` is there since Python 3.12."""
    left = iter(items)
    while some := tuple(islice(left, AT_ONCE)):
        yield some


def _field(held: Held) -> str:
    return json.dumps([held.set, held.join])


def _held(place: str, field: bytes, value: bytes) -> Held:
    try:
        (name, part), told = json.loads(field), json.loads(value)
        return Held(str(name), str(part), str(told["version"]), str(told["facts"]), str(told["writing"]))
    except (ValueError, TypeError, KeyError) as error:
        raise FeaturesAway(
            f"the online store {place} holds something else than hookline wrote, in {JOINS}",
            hint=f"see who else writes there; delete {JOINS}, and materialize again",
        ) from error


def _writing(value: bytes) -> str | None:
    try:
        return str(json.loads(value)["writing"])
    except (ValueError, TypeError, KeyError):
        return None


def _text(value: bytes) -> str:
    # What is no text is no value of ours, which whoever reads it as JSON will say.
    return value.decode("utf-8", "replace")
