"""Which fields of the source go together, and with which broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .brokers.choosing import parts_of

if TYPE_CHECKING:
    from .sources import EventsSource

ENCRYPTED = ("rediss", "tls", "kafka+ssl")
"""Schemes of encrypted connections."""


def require_fitting(source: EventsSource) -> None:
    """Raise ValueError for fields that do not go together."""
    if not source.url.startswith("${"):
        scheme, _, _ = parts_of(source.url)
        _require_own(source, scheme)
    if source.user is not None and source.password is None:
        raise ValueError("user goes with password")
    if source.token is not None and source.password is not None:
        raise ValueError("say either token, or user and password")
    if source.id_column == source.time_column:
        raise ValueError(f"id_column and time_column must differ, got {source.id_column!r} for both")
    if source.columns and (spare := sorted({*source.dtypes} - {*source.columns})):
        raise ValueError(f"dtypes has '{spare[0]}', which is none of columns")
    own = [name for name in (source.id_column, source.time_column) if name is not None]
    if taken := sorted({*source.columns, *source.dtypes} & {*own}):
        raise ValueError(f"'{taken[0]}' is the column of an event's id or time; say another id_column or time_column")


def _require_own(source: EventsSource, scheme: str) -> None:
    """Raise ValueError for what only another broker takes, or an encrypted one: it would be left out in silence."""
    broker = {"rediss": "redis", "tls": "nats"}.get(scheme, scheme.partition("+")[0])
    said = {
        "stream": ("nats", source.stream is not None),
        "token": ("nats", source.token is not None),
        "field": ("redis", source.field is not None),
        "mechanism": ("kafka", source.mechanism != "PLAIN"),
    }
    for name, (owner, is_said) in said.items():
        if is_said and owner != broker:
            raise ValueError(f"{name} is of {owner}, and url names another broker, {scheme}://")
    if source.password is not None and source.user is None and broker != "redis":
        raise ValueError(f"password goes with user at {scheme}://")
    if source.ca is not None and scheme not in ENCRYPTED:
        raise ValueError(f"ca is of an encrypted connection ({', '.join(ENCRYPTED)}), and url says {scheme}://")
