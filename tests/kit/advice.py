"""What a person reads of an error, once whoever lets it out has asked the plugins what mends it."""

from __future__ import annotations

from hookline.errors import HooklineError
from hookline.registry.registry import load_registry
from hookline.registry.remedies import add_remedies


def hint_of(error: HooklineError) -> str:
    """Return the hint of an error that was raised where no registry is at hand."""
    add_remedies(error, load_registry().remedies)
    return str(error.hint)
