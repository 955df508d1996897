"""Lengths of time in config: `90s`, `15m`, `1h`, `7d`, `2w`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias

from hookline import Deployment
from hookline.errors import UsageError
from hookline.live.log import times


class _Readable:
    """Has a text refused, where config is checked, that is no length of time."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(_readable, handler(source))


Duration: TypeAlias = Annotated[str, _Readable()]


def span_of(duration: str) -> timedelta:
    """Return a length of time that a config was checked to hold."""
    return times.span_of(duration, "duration")


def has_lasted(policy: Deployment, now: datetime, duration: str) -> bool:
    """Tell whether a policy has been in force for so long."""
    return elapsed(policy, now) >= span_of(duration)


def elapsed(policy: Deployment, now: datetime) -> timedelta:
    """Return for how long a policy has been in force; nothing where it is not yet, or a clock was put back."""
    return timedelta(0) if policy.since is None else max(now - policy.since, timedelta(0))


def _readable(said: str) -> str:
    try:
        span_of(said)
    except UsageError as error:
        # Pydantic names the field itself.
        raise ValueError(f"must be a length of time, got {said!r}; {error.hint}") from None
    return said
