"""Events as rows: topics of Kafka, streams of Redis, and subjects of NATS JetStream."""

from __future__ import annotations

from hookline import Source, hookimpl

from .sources import EventsSource

__all__ = ["EventsSource"]


@hookimpl
def register_sources() -> list[type[Source]]:
    """Return the source."""
    return [EventsSource]
