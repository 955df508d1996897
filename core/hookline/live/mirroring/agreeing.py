"""Which way an alias goes that two sides tell differently, by what both had when they were last in step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hookline.kinds.tracking.tracker import Standing

Way = Literal["out", "in", "stuck"]
"""`out`: what is here is set there; `in`: what is there is taken in; `stuck`: a person says which."""


@dataclass(frozen=True)
class Difference:
    """An alias that is another version here than there. here, there: versions of ours, None for none"""

    alias: str
    here: int | None
    there: int | None
    way: Way
    why: str


def differences(
    here: Mapping[str, int],
    there: Standing,
    versions: Mapping[str, int],
    prefer: Literal["here", "there"] | None = None,
) -> list[Difference]:
    """Return the aliases that are not in step, in order, each with the way that it goes.

    versions: fingerprint -> number of ours, of those that are registered there or will be; prefer: whose word counts where
    both have moved one
    """
    numbers = {number: versions[print_] for print_, number in there.versions.items() if print_ in versions}
    known = set(versions.values())
    found = []
    for alias in sorted({*here, *there.aliases, *there.agreed}):
        number = there.aliases.get(alias)
        ours, theirs, before = here.get(alias), numbers.get(number or ""), there.agreed.get(alias)
        if ours == theirs and (number is None or theirs is not None):
            continue
        if number is not None and theirs is None:
            told: tuple[Way, str] = _foreign(ours, number, prefer, known)
        else:
            told = _moved(ours, theirs, before, prefer)
        if told[0] == "out" and ours not in known:
            told = "stuck", f"v{ours} is not to be registered there, as its package says"
        found.append(Difference(alias, ours, theirs, *told))
    return found


def _foreign(ours: int | None, number: str, prefer: str | None, known: set[int]) -> tuple[Way, str]:
    if prefer == "here" and ours in known:
        return "out", f"it is version {number} there, which is none of ours; this side was preferred"
    return "stuck", f"it is version {number} there, which is none of ours"


def _moved(ours: int | None, theirs: int | None, before: int | None, prefer: str | None) -> tuple[Way, str]:
    if ours is None and theirs == before:
        return "stuck", "it is gone here"
    if theirs == before:
        return "out", "it was moved here" if before is not None else "it is new here"
    if ours == before and theirs is not None:
        return "in", "it was moved there" if before is not None else "it is new there"
    what = "it was taken away there" if theirs is None else "both sides have moved it"
    if prefer == "here" and ours is not None:
        return "out", f"{what}; this side was preferred"
    if prefer == "there" and theirs is not None:
        return "in", f"{what}; that side was preferred"
    return "stuck", what
