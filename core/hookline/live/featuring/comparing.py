"""How two versions of a feature set differ, and who stands on an old one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .seen import SetVersion


@dataclass(frozen=True)
class FeatureChange:
    """A column of a set in two versions.

    status: added, removed, changed or same; before, after: definition and inputs, where they are there
    """

    name: str
    status: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Outdated:
    """A model that answers with another version of a set than the project defines."""

    model: str
    set: str
    version: str
    now: str
    changed: tuple[str, ...]
    """The columns that are added, removed or changed since."""

    @property
    def message(self) -> str:
        """The finding in a sentence."""
        return (
            f"{self.model} answers with {self.set}@{self.version}, and the project defines {self.set}@{self.now}: "
            f"{', '.join(self.changed)}"
        )


def changes_between(first: SetVersion, second: SetVersion) -> list[FeatureChange]:
    """Return each column of either version with what became of it; what is the same comes last."""
    before, after = ({one["name"]: one for one in side.told["features"]} for side in (first, second))
    found = [
        FeatureChange(name, _status(before.get(name), after.get(name)), _said(before.get(name)), _said(after.get(name)))
        for name in dict.fromkeys([*before, *after])
    ]
    order = ("added", "removed", "changed", "same")
    return sorted(found, key=lambda change: order.index(change.status))


def outdated(versions: Sequence[SetVersion]) -> list[Outdated]:
    """Return the models that answer with a version that the project no longer defines so, by what has changed."""
    now = {one.name: one for one in versions if one.current}
    return [
        Outdated(
            model,
            one.name,
            one.version,
            now[one.name].version,
            tuple(
                f"{change.name} {change.status}"
                for change in changes_between(one, now[one.name])
                if change.status != "same"
            )
            or ("a definition",),
        )
        for one in versions
        if not one.current and one.name in now
        for model in one.live
    ]


def _status(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    if before is None or after is None:
        return "added" if before is None else "removed"
    return "same" if before["version"] == after["version"] else "changed"


def _said(feature: Mapping[str, Any] | None) -> str | None:
    return None if feature is None else str(feature["definition"])
