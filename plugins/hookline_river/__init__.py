"""River: drift of a stream of labels, found as the labels come."""

from __future__ import annotations

from hookline import Monitor, hookimpl

from .monitors import ConceptDriftMonitor

__all__ = ["ConceptDriftMonitor"]


@hookimpl
def register_monitors() -> list[type[Monitor]]:
    """Return the monitor."""
    return [ConceptDriftMonitor]
