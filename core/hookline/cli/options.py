"""Options that several verbs share."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.deployments import Trust
from hookline.packages.loading import trust_of_environment

MOST_SECONDS = 604_800
"""A week; the system's own clocks take no more than some months."""


def positive(text: str) -> int:
    """Read a whole number of at least 1, as the type of an option."""
    try:
        number = int(text)
    except ValueError:
        raise ArgumentTypeError(f"must be a whole number, got '{text}'") from None
    if number < 1:
        raise ArgumentTypeError(f"must be at least 1, got {number}")
    return number


def seconds(text: str) -> float:
    """Read a length of time in seconds, as the type of an option."""
    try:
        number = float(text)
    except ValueError:
        raise ArgumentTypeError(f"must be a number of seconds, got '{text}'") from None
    if not 0 < number <= MOST_SECONDS:
        raise ArgumentTypeError(f"must be more than 0 and at most {MOST_SECONDS:,}, got {text}")
    return number


def require_follow(given: Any) -> None:
    """Raise UsageError where it is said how to follow a source that is not followed."""
    for name in ("every", "times"):
        if getattr(given, name) and not given.follow:
            raise UsageError(f"--{name} goes with --follow", hint="add that, or leave this out")


def add_trust(options: Any) -> None:
    """Add the options that let a package run code, or have it refused."""
    options.add_argument("--allow-pickle", action="store_true", help="let a package run a pickle, or code of a project")
    options.add_argument(
        "--trust-type", action="append", default=[], help="let a skops package build this type (repeat)"
    )
    add_signed(options)


def add_signed(options: Any) -> None:
    """Add the option that refuses what nobody vouches for."""
    options.add_argument(
        "--signed-only",
        "--require-signature",
        action="store_true",
        help="refuse a package that is signed neither with your key (HOOKLINE_STORE_KEY) nor by one of HOOKLINE_TRUSTED_KEYS",
    )


def trust_of(given: Any) -> Trust:
    """Return what the command line and the environment allow."""
    base = trust_of_environment()
    return replace(
        base, pickle=base.pickle or given.allow_pickle, types=frozenset(given.trust_type), signed=given.signed_only
    )


def add_contract(options: Any) -> None:
    """Add the option that puts a package under another contract."""
    options.add_argument(
        "--contract", type=Path, help="a contract whose word stands above the package's own, this time"
    )


def fields_of(settings: Sequence[str], components: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read `component.field=value` into component -> field -> value; a value that is no JSON is a text."""
    found: dict[str, dict[str, Any]] = {}
    for text in settings:
        path, equals, value = text.partition("=")
        component, dot, field = path.rpartition(".")
        if not (equals and dot) or component not in components:
            raise UsageError(
                f"--set {text}: not of the form COMPONENT.FIELD=VALUE",
                hint=f"components: {', '.join(components) or 'none'}",
            )
        try:
            found.setdefault(component, {})[field] = json.loads(value)
        except json.JSONDecodeError:
            found.setdefault(component, {})[field] = value
    return found
