"""Topics of Kafka, and of what speaks its protocol."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from .broker import BATCH, Access, Broker, Event, Lost, Place

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message

POLL = 0.2
"""Seconds that one look for more events may take."""
GROUP = "hookline"
"""A consumer has to name a group, and this one never commits to it: how far was read is kept with what was read."""
SILENT = {"log_level": 0}
"""librdkafka would write to stderr what is raised as an error too."""


class KafkaTopic(Broker):
    """A topic; a position is the next offset of each of its partitions, which are read one after the other."""

    what = "topic"

    def end(self) -> Place:
        """Return the offset after the last event of each partition."""
        with self._consumer() as consumer:
            return {str(one): bounds[1] for one, bounds in self._bounds(consumer).items()}

    def begin(self) -> Place:
        """Return the offset of the first event that is kept of each partition."""
        with self._consumer() as consumer:
            return {str(one): bounds[0] for one, bounds in self._bounds(consumer).items()}

    def between(self, after: Place | None, upto: Place, lost: Lost) -> Iterator[Event]:
        """Yield the events, partition by partition, in the order of their offsets."""
        with self._consumer() as consumer:
            bounds = self._bounds(consumer)
            for partition, end in sorted((int(name), int(end)) for name, end in upto.items()):
                first, last = bounds.get(partition, (0, -1))
                begin = first if after is None else int(after.get(str(partition), 0))
                if end > last or begin > last:
                    raise self.access.anew(self.what)
                if after is not None and str(partition) in after and begin < min(first, end):
                    lost(
                        f"events {begin:,} to {min(first, end) - 1:,} of partition {partition} of topic "
                        f"'{self.access.topic}' expired before they were read"
                    )
                yield from self._read(consumer, partition, max(begin, first), end)

    def send(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add events, each as JSON; returns once the brokers have all of them."""
        from confluent_kafka import KafkaException, Producer

        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error)

        said: list[KafkaError] = []
        limits = {"enable.idempotence": True, "delivery.timeout.ms": _ms(self.access), "linger.ms": 5}
        with self._making():
            producer = Producer({**_settings(self.access), **limits, "error_cb": said.append})
        try:
            for row in rows:
                body = json.dumps(row, ensure_ascii=False).encode()
                while True:
                    try:
                        producer.produce(self.access.topic, body, on_delivery=delivered)
                        break
                    except BufferError:
                        producer.poll(POLL)
            left = producer.flush(self.access.timeout * 2)
        except KafkaException as error:
            raise self._fault(error.args[0], said) from None
        if failed:
            raise self._fault(failed[0], said)
        if left:
            raise self.access.away(f"{left:,} events were not taken")

    def _read(self, consumer: Consumer, partition: int, begin: int, end: int) -> Iterator[Event]:
        from confluent_kafka import TopicPartition

        if begin >= end:
            return
        consumer.assign([TopicPartition(self.access.topic, partition, begin)])
        heard = time.monotonic()
        place = begin
        # Offsets have gaps, of transactions and of compaction, so that the last may be no event.
        while place < end:
            for message in consumer.consume(BATCH, timeout=POLL):
                heard = time.monotonic()
                error, offset = message.error(), message.offset() or 0
                if error is not None:
                    if self._is_end(error):
                        place = max(place, offset)
                        continue
                    raise self._fault(error, ())
                if offset >= end:
                    return
                place = offset + 1
                yield Event(
                    f"{self.access.topic}-{partition}-{offset}", message.timestamp()[1] * 1000, message.value() or b""
                )
            if time.monotonic() - heard > self.access.timeout:
                raise self.access.away(f"partition {partition} gives no events from {place:,} on")

    def _bounds(self, consumer: Consumer) -> dict[int, tuple[int, int]]:
        """Return the first offset that is kept, and the next one, of each partition."""
        from confluent_kafka import TopicPartition

        topic, timeout = self.access.topic, self.access.timeout
        told = consumer.list_topics(topic, timeout=timeout).topics[topic]
        if told.error is not None or not told.partitions:
            if told.error is not None and not self._is_missing(told.error):
                raise self._fault(told.error, ())
            known = [name for name in consumer.list_topics(timeout=timeout).topics if not name.startswith("__")]
            raise self.access.missing(self.what, [name for name in known if name != topic])
        found = {}
        for partition in told.partitions:
            bounds = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=timeout)
            if bounds is None:
                raise self.access.away(f"partition {partition} does not say where it ends")
            found[partition] = (int(bounds[0]), int(bounds[1]))
        return found

    @contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        from confluent_kafka import Consumer, KafkaException

        said: list[KafkaError] = []
        settings = {
            "group.id": GROUP,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "error_cb": said.append,
        }
        with self._making():
            made = Consumer({**_settings(self.access), **settings})
        with closing(made) as consumer:
            try:
                yield consumer
            except KafkaException as error:
                # What connections said meanwhile is told while it polls.
                consumer.poll(0)
                raise self._fault(error.args[0], said) from None

    @contextmanager
    def _making(self) -> Iterator[None]:
        """Raise DataError in librdkafka's words for settings that it does not take."""
        from confluent_kafka import KafkaException

        try:
            yield
        except KafkaException as error:
            raise self.access.fault(
                error.args[0].str(), "look at source.ca, source.user and source.mechanism"
            ) from None

    def _fault(self, error: KafkaError, said: Sequence[KafkaError]) -> Exception:
        """Return an error of ours; what a connection said before tells more than that no answer came."""
        from confluent_kafka import KafkaError as Code

        own = Code._AUTHENTICATION  # noqa: SLF001  so librdkafka names what it found out itself
        refused = (own, Code.SASL_AUTHENTICATION_FAILED, Code.TOPIC_AUTHORIZATION_FAILED)
        for one in (error, *said):
            if one.code() in refused:
                return self.access.refused(one.str())
        if self._is_missing(error):
            return self.access.missing(self.what, ())
        first = next((one for one in said if one.code() == Code._TRANSPORT), error)  # noqa: SLF001  as above
        return self.access.away(first.str())

    @staticmethod
    def _is_end(error: KafkaError) -> bool:
        from confluent_kafka import KafkaError as Code

        return bool(error.code() == Code._PARTITION_EOF)  # noqa: SLF001  as above

    @staticmethod
    def _is_missing(error: KafkaError) -> bool:
        from confluent_kafka import KafkaError as Code

        own = (Code._UNKNOWN_TOPIC, Code._UNKNOWN_PARTITION)  # noqa: SLF001  as above
        return error.code() in (Code.UNKNOWN_TOPIC_OR_PART, *own)


def _settings(access: Access) -> dict[str, Any]:
    """Return what every client of librdkafka is told."""
    secure = access.scheme == "kafka+ssl"
    found: dict[str, Any] = {
        **SILENT,
        "bootstrap.servers": ",".join(access.hosts),
        "security.protocol": "SSL" if secure else "PLAINTEXT",
        "socket.timeout.ms": _ms(access),
    }
    if access.user is not None:
        found |= {"security.protocol": "SASL_SSL" if secure else "SASL_PLAINTEXT", "sasl.mechanism": access.mechanism}
        found |= {"sasl.username": access.user, "sasl.password": access.password}
    if access.ca is not None:
        found["ssl.ca.location"] = str(access.ca)
    return found


def _ms(access: Access) -> int:
    return max(10, round(access.timeout * 1000))
