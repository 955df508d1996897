"""What an environment variable says that turns something on or off, or chooses a word: read in one way everywhere."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from hookline.errors import UsageError

ON = ("1", "true", "yes", "on")
OFF = ("0", "false", "no", "off")
SWITCHES = ("HOOKLINE_ALLOW_PICKLE", "HOOKLINE_OTEL", "HOOKLINE_STRICT")
"""Variables that are on or off; each is off where nothing is said."""
CHOICES: Mapping[str, Sequence[str]] = {
    "HOOKLINE_BESIDE": ("auto", "always", "off"),
    "HOOKLINE_PROGRESS": ("auto", "rich", "plain", "off"),
}
"""Variables that name one of some words, of which the first stands where nothing is said, and for `on`."""


def switched_on(name: str, environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether a variable of SWITCHES is on; raises UsageError for what is neither on nor off."""
    said = _said(name, environ)
    if said in ON or said in ("", *OFF):
        return said in ON
    raise UsageError(
        f"{name} is neither on nor off: {said!r}", hint=f"{', '.join(ON)} are on; {', '.join(OFF)} are off"
    )


def chosen(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the word that a variable of CHOICES names; raises UsageError for one that is not among them."""
    said, known = _said(name, environ), CHOICES[name]
    if said in known:
        return said
    if said in ("", *ON):
        return known[0]
    if said in OFF and OFF[-1] in known:
        return OFF[-1]
    raise UsageError(f"{name} is no word that it takes: {said!r}", hint=f"there is {', '.join(known)}")


def is_off(text: str | None) -> bool:
    """Tell whether a variable that is not ours says no, or nothing."""
    return (text or "").strip().lower() in ("", *OFF)


def _said(name: str, environ: Mapping[str, str] | None) -> str:
    return (os.environ if environ is None else environ).get(name, "").strip().lower()
