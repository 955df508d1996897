"""Lengths of time in config: `90s`, `15m`, `1h`, `7d`, `2w`."""

from __future__ import annotations

from datetime import datetime, timedelta

from hookline import Deployment
from hookline.live.log import times
from hookline.live.log.times import Span as Duration

__all__ = ["Duration", "elapsed", "has_lasted", "span_of"]


def span_of(duration: str) -> timedelta:
    """Return a length of time that a config was checked to hold."""
    return times.span_of(duration, "duration")


def has_lasted(policy: Deployment, now: datetime, duration: str) -> bool:
    """Tell whether a policy has been in force for so long."""
    return elapsed(policy, now) >= span_of(duration)


def elapsed(policy: Deployment, now: datetime) -> timedelta:
    """Return for how long a policy has been in force; nothing where it is not yet, or a clock was put back."""
    return timedelta(0) if policy.since is None else max(now - policy.since, timedelta(0))
