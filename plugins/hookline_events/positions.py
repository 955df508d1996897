"""Places in a topic as texts that people and files keep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hookline.errors import DataError

from .brokers.broker import Place

if TYPE_CHECKING:
    from .sources import EventsSource


def position_text(source: EventsSource, place: Place) -> str:
    """Return a place as a text that says of which topic it is."""
    told = {"topic": source.topic, "broker": source.url.partition(":")[0].partition("+")[0], "end": place}
    return json.dumps(told, separators=(",", ":"), sort_keys=True)


def place_in(source: EventsSource, text: str) -> Place:
    """Return the place that a position says; raises DataError for that of another topic."""
    try:
        told = json.loads(text)
        if position_text(source, told["end"]) == json.dumps(told, separators=(",", ":"), sort_keys=True):
            place: Place = told["end"]
            return place
    except (ValueError, KeyError, TypeError):
        pass
    raise DataError(
        f"{text[:60]!r} is no position of topic '{source.topic}'",
        hint="give what position() of the same source returned",
    )
