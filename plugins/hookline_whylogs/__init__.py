"""whylogs: profiles that merge, in the format that the whylogs library reads."""

from __future__ import annotations

from hookline import Monitor, hookimpl

from .monitors import ProfileMonitor

__all__ = ["ProfileMonitor"]


@hookimpl
def register_monitors() -> list[type[Monitor]]:
    """Return the monitor."""
    return [ProfileMonitor]
