"""Subjects of NATS JetStream."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from hookline.errors import DataError, HooklineError

from .broker import BATCH, Access, Broker, Event, Lost, Place

if TYPE_CHECKING:
    from nats.js import JetStreamContext
    from nats.js.api import StreamInfo

T = TypeVar("T")
IDLE = 60.0
"""Seconds after which the server forgets a reader that asks no more."""


class JetStream(Broker):
    """A subject, or several by a wildcard, of a stream; a position is a number of the stream's own count."""

    what = "subject"

    def end(self) -> Place:
        """Return the number of the stream's last event, and when the stream was made."""

        async def ask(jetstream: JetStreamContext) -> Place:
            info = await self._stream(jetstream)
            return {"number": info.state.last_seq, "made": _made(info)}

        return self._asked(ask)

    def begin(self) -> Place:
        """Return the number of the first event that the stream keeps."""

        async def ask(jetstream: JetStreamContext) -> Place:
            return {"number": (await self._stream(jetstream)).state.first_seq}

        return self._asked(ask)

    def between(self, after: Place | None, upto: Place, lost: Lost) -> Iterator[Event]:
        """Yield the events in the order of their numbers."""
        first = 1 if after is None else after["number"] + 1
        while True:
            found, done = self._batch(first, upto["number"], after, lost)
            yield from found
            if done:
                return
            first = int(found[-1].id) + 1
            after = {"number": first - 1, "made": upto["made"]}

    def send(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add events, each as JSON; returns once the server has stored them."""

        async def put(jetstream: JetStreamContext) -> None:
            # Where no stream takes them, it is told by its name.
            await self._stream(jetstream)
            for start in range(0, len(rows), BATCH):
                bodies = [json.dumps(row, ensure_ascii=False).encode() for row in rows[start : start + BATCH]]
                futures = [await jetstream.publish_async(self.access.topic, body) for body in bodies]
                await asyncio.wait_for(asyncio.gather(*futures), self.access.timeout)

        self._asked(put)

    def _batch(self, first: int, last: int, after: Place | None, lost: Lost) -> tuple[list[Event], bool]:
        """Return some events from one number on, and whether there are no more of them up to another."""
        told: list[str] = []

        async def read(jetstream: JetStreamContext) -> tuple[list[Event], bool]:
            info = await self._stream(jetstream)
            if after is not None:
                self._require_same(info, after)
                if first <= last and info.state.first_seq > first:
                    told.append(
                        f"events {first:,} to {min(info.state.first_seq - 1, last):,} of the stream of subject "
                        f"'{self.access.topic}' expired before they were read"
                    )
            return await self._pulled(jetstream, str(info.config.name), first, last)

        found = self._asked(read)
        for one in told:
            lost(one)
        return found

    async def _pulled(
        self, jetstream: JetStreamContext, stream: str, first: int, last: int
    ) -> tuple[list[Event], bool]:
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        if first > last:
            return [], True
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=first,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=IDLE,
        )
        pull = await jetstream.pull_subscribe(self.access.topic, stream=stream, config=config)
        info = await pull.consumer_info()
        try:
            left, found = info.num_pending or 0, list[Event]()
            while left and len(found) < BATCH * 50:
                for message in await pull.fetch(min(BATCH, left), timeout=self.access.timeout):
                    meta = message.metadata
                    if meta.sequence.stream > last:
                        return found, True
                    time = round(meta.timestamp.replace(tzinfo=meta.timestamp.tzinfo or UTC).timestamp() * 1_000_000)
                    found.append(Event(str(meta.sequence.stream), time, message.data))
                    left = meta.num_pending
            return found, not left
        finally:
            await pull.unsubscribe()
            await jetstream.delete_consumer(stream, info.name)

    async def _stream(self, jetstream: JetStreamContext) -> StreamInfo:
        from nats.js.api import RetentionPolicy
        from nats.js.errors import NotFoundError, ServiceUnavailableError

        access = self.access
        try:
            name = access.stream or await jetstream.find_stream_name_by_subject(access.topic)
            info = await jetstream.stream_info(name)
        except NotFoundError:
            streams = await jetstream.streams_info()
            subjects = [subject for one in streams for subject in one.config.subjects or ()]
            raise access.missing(
                self.what if access.stream is None else f"stream '{access.stream}' for", subjects
            ) from None
        except ServiceUnavailableError:
            raise DataError(f"{access.shown} keeps no events: JetStream is off", hint="start it with -js") from None
        if info.config.retention == RetentionPolicy.WORK_QUEUE:
            raise DataError(
                f"stream '{name}' is a work queue, whose events go once somebody has read them",
                hint="read a stream of another retention, such as one that mirrors it",
            )
        return info

    def _require_same(self, info: StreamInfo, after: Place) -> None:
        if info.state.last_seq < after["number"] or _made(info) != after["made"]:
            raise self.access.anew(self.what)

    def _asked(self, ask: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        """Return what a server says; on a loop of its own, since the caller may be in one, as notebooks are."""
        found: list[T] = []
        failed: list[BaseException] = []

        async def act() -> T:
            async with self._connected() as jetstream:
                return await ask(jetstream)

        def run() -> None:
            try:
                found.append(asyncio.run(act()))
            except BaseException as error:  # noqa: BLE001  raised again in the thread that asks
                failed.append(error)

        thread = Thread(target=run, name="nats")
        thread.start()
        thread.join()
        if failed:
            raise self._fault(failed[0])
        return found[0]

    def _fault(self, error: BaseException) -> BaseException:
        from nats.errors import Error

        if isinstance(error, HooklineError) or not isinstance(error, (Error, OSError, TimeoutError)):
            return error
        told = str(error).removeprefix("nats: ").strip("'")
        if "authorization" in told.lower() or "authentication" in told.lower() or "permission" in told.lower():
            return self.access.refused(told)
        return self.access.away(told or "it does not answer")

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[JetStreamContext]:
        from nats.aio.client import Client
        from nats.errors import NoServersError

        access, said, client = self.access, list[BaseException](), Client()

        async def hear(error: Exception) -> None:
            said.append(error)

        tls = ssl.create_default_context(cafile=access.ca) if access.scheme == "tls" else None
        said_by = _Encrypted(access, tls)
        options: dict[str, Any] = {
            "user": access.user and partial(said_by.tell, access.user),
            "password": access.password,
            "token": access.token and partial(said_by.tell, access.token),
            "tls": tls,
        }
        try:
            await client.connect(
                [f"{access.scheme}://{host}" for host in access.hosts],
                error_cb=hear,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=max(1, round(access.timeout)),
                **{name: value for name, value in options.items() if value is not None},
            )
            said_by.require()
            yield client.jetstream(timeout=access.timeout)
        except NoServersError:
            raise access.away(said[-1] if said else "it does not answer") from None
        finally:
            # Also where it was refused, which leaves a connection open.
            await client.close()


class _Encrypted:
    """Tells credentials to an encrypted connection alone, where one is asked for.

    nats-py takes a server's word for whether it encrypts, and goes on in the clear under a URL of `tls://`.
    """

    def __init__(self, access: Access, tls: ssl.SSLContext | None) -> None:
        self.access = access
        self.tls = tls

    def tell(self, secret: str) -> str:
        """Return it; raises DataError where the connection is in the clear and should not be."""
        self.require()
        return secret

    def require(self) -> None:
        """Raise DataError where no connection was encrypted."""
        if self.tls is not None and not self.tls.session_stats()["connect_good"]:
            raise DataError(
                f"{self.access.shown} does not encrypt, and nothing was told to it",
                hint="say nats:// where that is meant; else look at the `tls` of the server",
            )


def _made(info: StreamInfo) -> str:
    made = info.created
    return made.isoformat() if isinstance(made, datetime) else str(made)
