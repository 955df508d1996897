"""What people write for short on a command line: a path for the source, a role at the root, and texts without their quotes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from glob import has_magic
from pathlib import Path
from typing import Any

from hookline.kinds.artifacts import Roles
from hookline.workspace.piped import STDIN, settled

ROLES = tuple(field.name for field in dataclasses.fields(Roles))
"""What is short for `roles.*`."""
TABLES = frozenset(
    {".csv", ".tsv", ".txt", ".parquet", ".pq", ".ndjson", ".jsonl", ".arrow", ".feather", ".ipc"}
    | {".gz", ".zst", ".zip", ".xlsx"}
)
"""Endings by which a word is taken for a path, whether or not it is there."""
PLAIN = re.compile(r"[\w./-]*", re.ASCII)
"""Values that quotes would not help, and that need not be parsed to see it."""


def spelled_out(words: Iterable[str]) -> list[str]:
    """Return overrides as Hydra takes them: `train.csv target=churned` is `source=file source.path=... roles.target=churned`."""
    found = [override for word in words for override in _spelled_out(word)]
    keys = {override.partition("=")[0] for override in found}
    # Somebody who names a file's path means the source that reads files, unless an experiment may have chosen one.
    alone = "source.path" in keys and keys.isdisjoint({"source", "experiment", "+experiment"})
    return ["source=file", *found] if alone else found


def read_in(words: Iterable[str]) -> list[str]:
    """Return the words of a command line with what comes through pipes kept in files; said once, before anything reads them."""
    return [settled(word) if is_path(word) else word for word in words]


def with_roles(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with the roles that stand at its root, as an experiment may say them, under `roles`."""
    short = {name: tree[name] for name in ROLES if name in tree}
    rest = {name: value for name, value in tree.items() if name not in short}
    return rest | {"roles": {**(rest.get("roles") or {}), **short}} if short else rest


def is_path(word: str) -> bool:
    """Tell whether a word of a command line is a table's path: there, in a folder, a glob, with a table's ending, or `-`."""
    if word == STDIN:
        return True
    try:
        if word and Path(word).exists():
            return True
    except (OSError, ValueError):  # A name too long for a file, or with a NUL in it.
        return False
    if "=" in word or word.startswith(("+", "~")):
        return False
    return has_magic(word) or "/" in word or Path(word).suffix.lower() in TABLES


def quoted(text: str) -> str:
    """Return a text in the quotes of Hydra's grammar, whatever is in it."""
    mark = '"' if "'" in text and '"' not in text else "'"
    # Only before a quote is a backslash more than itself.
    pieces = [_doubled(piece) for piece in text.replace("${", "\\${").split(mark)]
    return mark + ("\\" + mark).join(pieces) + mark


def _doubled(piece: str) -> str:
    """Return a piece of a text before a quote, with each backslash at its end twice."""
    bare = piece.rstrip("\\")
    return bare + "\\" * 2 * (len(piece) - len(bare))


def _spelled_out(word: str) -> list[str]:
    if is_path(word):
        return ["source=file", f"source.path={quoted(word)}"]
    key, equals, value = word.partition("=")
    if not equals:
        return [word]
    if key in ROLES:
        key, value = f"roles.{key}", f"[{value}]" if key == "ignore" and not value.startswith("[") else value
    return [f"{key}={_parsing(key, value)}"]


def _parsing(key: str, value: str) -> str:
    """Return a value that Hydra's grammar takes: as it is, or in quotes, an item of a list by itself."""
    if PLAIN.fullmatch(value) or _parses(f"{key}={value}"):
        return value
    inner = value[1:-1]
    if value[:1] == "[" and value[-1:] == "]" and not set("[]{}()'\"") & set(inner):
        tried = f"[{','.join(_parsing(key, item.strip()) for item in inner.split(','))}]"
    elif value[:1] in ("[", "{", "'", '"'):
        return value  # Somebody's own quotes or brackets that lack their end.
    else:
        tried = quoted(value)
    return tried if _parses(f"{key}={tried}") else value


def _parses(override: str) -> bool:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        OverridesParser.create().parse_override(override)
    except (HydraException, ValueError, RecursionError):
        return False
    return True
