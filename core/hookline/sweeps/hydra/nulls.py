"""`choice(null,3)`, as a person writes it; Hydra's grammar takes a null among values that commas part, and in no function."""

from __future__ import annotations

import re

CHOICE = re.compile(r"([^=]+=)choice\((.*\bnull\b.*)\)", re.IGNORECASE | re.DOTALL)


def without_choice_of_null(override: str) -> str:
    """Return an override as Hydra takes it: `key=choice(null,3)` is `key=null,3`."""
    found = CHOICE.fullmatch(override)
    return override if found is None else "".join(found.groups())
