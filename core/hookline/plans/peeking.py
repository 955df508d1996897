"""A first look at whatever holds a table, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hookline.errors import HooklineError
from hookline.kinds.artifacts import Roles
from hookline.quality.profile.peek import Peek, peek_source
from hookline.registry.registry import load_registry
from hookline.registry.remedies import add_remedies
from hookline.registry.values import validate

from .config import Options
from .keywords import set_roles, source_of


def peek(what: Any, *, roles: Roles | Mapping[str, Any] | None = None) -> Peek:
    """Look at the first 100,000 rows of a table: columns, guessed roles, ten rows, what is odd; `experiment` says how to begin.

    what: a path, a source's name, a source or a mapping with `component`, or a polars or pandas data frame
    roles: those that are known, which are not guessed
    Raises DataError where there are no rows, or they cannot be read.
    """
    registry = load_registry()
    named = validate(Options, {"roles": set_roles(roles)}, "", "bad config").roles
    try:
        return peek_source(source_of(registry, what), named, registry.remedies)
    except HooklineError as error:
        add_remedies(error, registry.remedies)
        raise
