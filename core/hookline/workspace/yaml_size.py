"""How large a YAML file may be before anything reads it: in bytes, in depth, and in values once its aliases are written out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError, Problem

MOST_BYTES = 2**20
MOST_VALUES = 50_000
DEEPEST = 64


def read_bounded(path: Path, most_bytes: int = MOST_BYTES, most_values: int = MOST_VALUES) -> str:
    """Return a YAML file's text; raises ConfigError where it is too much to read, OSError or UnicodeDecodeError."""
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise _too_much(path, "the file", f"is larger than {most_bytes // 2**10:,} KiB")
    text = content.decode("utf-8")
    _check_values(path, text, most_values)
    return text


def read_tree(path: Path, such: str) -> Mapping[str, Any]:
    """Return what a YAML file of settings says; raises ConfigError where that cannot be read, or is no mapping.

    such: a line that may stand in it
    """
    import yaml

    try:
        tree = yaml.safe_load(read_bounded(path))
    except (OSError, UnicodeDecodeError) as error:
        told = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"bad {path}", [Problem("the file", f"cannot be read: {told}")]) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"bad {path}", [Problem("the file", f"is no YAML: {str(error).splitlines()[0]}")]) from None
    if tree is None:
        return {}
    if not isinstance(tree, dict) or not all(isinstance(name, str) for name in tree):
        raise ConfigError(f"bad {path}", [Problem("the file", f"must hold `key: value` lines such as `{such}`")])
    return tree


def _check_values(path: Path, text: str, most: int) -> None:
    """Raise ConfigError for what grows beyond all bounds; what is no YAML is left to whoever reads it."""
    import yaml

    whole: dict[str, int] = {}  # Anchor -> how many values stand behind it.
    counts: list[int] = [0]
    anchors: list[str | None] = [None]
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            where = f"line {event.start_mark.line + 1}"
            if isinstance(event, yaml.AliasEvent):
                if event.anchor in anchors:
                    raise _too_much(path, where, f"has no end: *{event.anchor} stands for what it stands in")
                counts[-1] += whole.get(event.anchor, 1)
            elif isinstance(event, yaml.CollectionStartEvent):
                counts.append(1)
                anchors.append(event.anchor)
            elif isinstance(event, yaml.CollectionEndEvent):
                count, anchor = counts.pop(), anchors.pop()
                counts[-1] += count
                whole |= {} if anchor is None else {anchor: count}
            elif isinstance(event, yaml.ScalarEvent):
                counts[-1] += 1
            if len(counts) > DEEPEST:
                raise _too_much(path, where, f"is nested deeper than {DEEPEST} levels")
            if sum(counts) > most:
                raise _too_much(path, where, f"stands for more than {most:,} values, each alias written out")
    except yaml.YAMLError as error:
        if "nesting" in str(getattr(error, "problem", "")):
            raise _too_much(path, "the file", f"is nested deeper than {DEEPEST} levels") from None


def _too_much(path: Path, where: str, told: str) -> ConfigError:
    return ConfigError(f"{path} is too much to read", [Problem(where, told)], hint="write out only what is needed")
