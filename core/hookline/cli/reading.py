"""Overrides of how a file is read, for the commands that hold its rows against a model or a contract."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.kinds import Source
from hookline.packages.reading import Reading
from hookline.registry.registry import Registry


def add_reading(options: argparse.ArgumentParser) -> None:
    """Tell in a command's help how its file is read."""
    options.epilog = (
        "The file is read as the training rows were; source.FIELD=VALUE or --source.FIELD=VALUE reads it otherwise, "
        "such as source.separator=tab. Without a file, source=NAME names another source, such as source=sql"
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


def names_source(overrides: Sequence[str]) -> bool:
    """Tell whether overrides name a source."""
    return any(re.match(r"\+*source(\.component)?=", word) for word in overrides)


def source_instead(registry: Registry, data: str | None, overrides: Sequence[str]) -> Source | None:
    """Return the source that overrides name in a file's place; None where there is a file.

    Raises UsageError where there is neither, or both.
    """
    if data is not None:
        return None
    if not names_source(overrides):
        raise UsageError(
            "name the rows", hint="a file, a glob, a folder or - for stdin; or source=NAME with its fields"
        )
    from hookline.plans.config import resolve
    from hookline.plans.hydra.compose import compose

    source = resolve(registry, compose(registry, list(overrides))).components["source"][0].component
    assert isinstance(source, Source)
    return source


def fields_of_reading(registry: Registry, reading: Reading, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the fields of the source that overrides set; raises UsageError for one that says which rows are read."""
    for word in overrides:
        if re.match(r"\+*source(\.path|\.component)?=", word):
            raise UsageError(
                f"'{word}': the file stands alone, and the source is the one of the training",
                hint="source.FIELD=VALUE says how the file is read, such as source.separator=tab; or leave the file out",
            )
    if not overrides:
        return {}
    from hookline.plans.hydra.compose import fields_said

    return fields_said(registry, "source", reading.component, overrides)
