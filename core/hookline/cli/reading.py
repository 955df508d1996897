"""Overrides of how a file is read, for the commands that hold its rows against a model or a contract."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from hookline.errors import UsageError
from hookline.packages.reading import Reading
from hookline.registry.registry import Registry


def add_reading(options: argparse.ArgumentParser) -> None:
    """Tell in a command's help how its file is read."""
    options.epilog = (
        "The file is read as the training rows were; source.FIELD=VALUE or --source.FIELD=VALUE reads it otherwise, "
        "such as source.separator=tab"
    )


def apart(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words of a command line without what is said of the source, and the latter as overrides."""
    rest: list[str] = []
    overrides: list[str] = []
    words = iter(argv)
    for word in words:
        bare = word.removeprefix("--")
        if not re.match(r"\+*source[.=]", bare) or (bare == word and "=" not in word):
            rest.append(word)
        else:
            overrides.append(bare if "=" in bare else f"{bare}={next(words, '')}")
    return rest, overrides


def fields_of_reading(registry: Registry, reading: Reading, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the fields of the source that overrides set; raises UsageError for one that says which rows are read."""
    for word in overrides:
        if re.match(r"\+*source(\.path|\.component)?=", word):
            raise UsageError(
                f"'{word}': the file stands alone, and the source is the one of the training",
                hint="source.FIELD=VALUE says how the file is read, such as source.separator=tab",
            )
    if not overrides:
        return {}
    from hookline.plans.hydra.compose import fields_said

    return fields_said(registry, "source", reading.component, overrides)
