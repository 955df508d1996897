"""Stored values of feature sets in a Redis, which machines share."""

from __future__ import annotations

from collections.abc import Mapping

from hookline import hookimpl
from hookline.kinds.features.online import HoldsFeatures, OpenFeatures

__all__ = ["open_redis"]


@hookimpl
def register_online_stores() -> Mapping[str, OpenFeatures]:
    """Return what opens a Redis, plain or encrypted."""
    return {"redis": open_redis, "rediss": open_redis}


def open_redis(url: str) -> HoldsFeatures:
    """Open a store; raises UsageError for a URL that names none, MissingBackend without the library."""
    from .online import RedisFeatures

    return RedisFeatures.at(url)
