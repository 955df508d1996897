"""Faults of what is tried again and again, told once each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Once:
    """Tells a fault that comes again and again once, until another one comes or all is well in between."""

    say: Callable[[str], object]
    _told: str = field(default="", init=False)

    def fault(self, error: Exception) -> None:
        """Tell of a fault, unless it was the last."""
        said = str(error)
        if said != self._told:
            self._told = said
            self.say(said)

    def well(self) -> None:
        """Forget the last fault, which is over."""
        self._told = ""
