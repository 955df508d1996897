"""A tracker: where runs and models are told of elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..component import Settings


@dataclass(frozen=True)
class VersionInfo:
    """A version as a tracker is told of it."""

    version: int
    fingerprint: str
    """The same wherever the version is: whoever was told twice of one knows it by this."""
    run: str
    """The id of the run that made it."""
    path: Path
    """The package's folder."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """How a model stands in a tracker's registry."""

    versions: Mapping[str, str] = field(default_factory=dict)
    """Fingerprint of a version of ours -> its number there."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Alias -> the number there that it points to, which may be of a version that is none of ours."""
    agreed: Mapping[str, int] = field(default_factory=dict)
    """Alias -> the version of ours that both sides had when they were last in step."""


class Tracker(Protocol):
    """Where runs and models are told of elsewhere, such as an MLflow server; its methods raise StoreError, never late.

    What was to be sent and was not waits in the home, in order, until `send` has sent it, once.
    """

    @property
    def place(self) -> str:
        """What it is called in messages: `MLflow at http://localhost:5000`."""
        ...

    def waiting(self) -> Sequence[str]:
        """Return the ids of runs that were not sent yet, in order."""
        ...

    def send(self, timeout: float | None = None) -> Sequence[str]:
        """Send what waits, and return the ids that were taken; raises StoreError at the first that was not reached."""
        ...

    @property
    def formats(self) -> Sequence[str]:
        """Return the packagers whose packages may be registered there."""
        ...

    def mirrors(self, manifest: Mapping[str, Any]) -> bool:
        """Tell by the manifest of such a package whether its version is to be registered there."""
        ...

    def standing(self, model: str) -> Standing:
        """Return how a model stands there; of one that is not there, nothing."""
        ...

    def settle(
        self,
        model: str,
        versions: Sequence[VersionInfo],
        aliases: Mapping[str, int],
        agreed: Mapping[str, int],
        gone: Sequence[str] = (),
    ) -> Sequence[str]:
        """Register the versions that are not there, set aliases to versions of ours, and keep what was agreed on.

        Then delete those with the fingerprints in `gone`, and return the ones that stay, since an alias there points to them.
        """
        ...

    def close(self) -> None:
        """End what was begun for it, such as a process or a connection."""
        ...


OpenTracker = Callable[[Mapping[str, Settings], Path], Tracker | None]
"""Takes the settings of all plugins by name, and the home; gives a tracker, or None where settings name none."""
