"""The parts of the config that an override may reach, and what may stand there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from .choices import (
    Item,
)
from .known import Known


def node_at(known: Known, words: Sequence[str], path: str) -> Mapping[str, Any]:
    """Return the schema of each key directly below a path."""
    root, *rest = path.split(".") if path else [""]
    if root in known.kinds:
        names = chosen_names(known, words, root)
        if root in known.multiple:
            key, *rest = rest or [""]
            names = [name for name in names if name.replace(".", "_") == key]
        nodes: Mapping[str, Any] = {k: v for name in reversed(names) for k, v in known.fields(root, name).items()}
    else:
        rest = [part for part in (root, *rest) if part]
        nodes = known.schema.get("properties", {})
    for part in rest:
        nodes = nested_node(known, nodes.get(part, {}))
    return nodes


def chosen_names(known: Known, words: Sequence[str], kind: str) -> list[str]:
    """Return the components of a kind on the line: the last choice, else an experiment's, else the default."""
    for word in reversed(words):
        key, equals, value = word.lstrip("+").partition("=")
        if equals and key == kind:
            return [name.strip() for name in re.split(r"[\[\],]", value) if name.strip()]
    for word in reversed(words):
        group, _, name = word.lstrip("+").partition("=")
        choices = known.groups.get(group, {}).get(name) or own_files(known, words, group).get(name, {})
        if kind in choices:
            return list(choices[kind])
    return list(known.defaults.get(kind, ()))


def choices_in(text: str, kinds: Iterable[str]) -> dict[str, list[str]]:
    """Return what the defaults list of a config file chooses for each kind."""
    found = {}
    for kind in kinds:
        if match := re.search(rf"^\s*-\s+(?:override\s+)?/?{kind}:\s*([^#\n]*)", text, re.MULTILINE):
            found[kind] = [name for name in re.split(r"[\[\],\s]+", match.group(1)) if name not in ("", "null")]
    return found


def own_files(known: Known, words: Sequence[str], group: str) -> dict[str, dict[str, list[str]]]:
    """Return the user's own files of a group, below the project's folder of config files and those that `--config-dir` names."""
    folders = [] if known.configs is None else [known.configs]
    folders += [after for word, after in pairwise(words) if word in ("--config-dir", "-cd")]
    folders += [word.partition("=")[2] for word in words if word.startswith("--config-dir=")]
    found = {}
    for folder in folders:
        for path in sorted((Path(folder).expanduser() / group).rglob("*.yaml")):
            name = path.relative_to(Path(folder).expanduser() / group).with_suffix("").as_posix()
            found[name] = choices_in(path.read_text("utf-8", "replace"), known.kinds)
    return found


def set_items(known: Known, words: Sequence[str]) -> list[Item]:
    """Return the feature sets of plugins, of the project and of `--config-dir`."""
    return [Item(name) for name in sorted({*known.sets, *own_files(known, words, "features")})]


def parts_of(known: Known, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the alternatives of a schema, references followed."""
    if "$ref" in node:
        name = node["$ref"].removeprefix("#/$defs/")
        return [] if name == "interpolation" else parts_of(known, known.schema["$defs"].get(name, {}))
    if "anyOf" in node:
        return [part for inner in node["anyOf"] for part in parts_of(known, inner)]
    return [node]


def nested_node(known: Known, node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what stands below a node of the schema: key -> its own node."""
    return {key: value for part in parts_of(known, node) for key, value in part.get("properties", {}).items()}


def only_nested(known: Known, node: Mapping[str, Any]) -> bool:
    """Tell whether a node has keys below it and no value of its own."""
    parts = [part for part in parts_of(known, node) if part.get("type") != "null"]
    return bool(parts) and all(part.get("type") == "object" for part in parts)


def choices_of(known: Known, node: Mapping[str, Any]) -> list[Item]:
    """Return the values that a node allows by name."""
    found: list[str] = []
    for part in parts_of(known, node):
        if "enum" in part or "const" in part:
            found += [_yaml(value) for value in part.get("enum", [part.get("const")])]
        elif part.get("type") == "boolean":
            found += ["true", "false"]
    if any(part.get("type") == "null" for part in parts_of(known, node)):
        found.append("null")
    doc = doc_of(known, node)
    return [Item(value, doc) for value in dict.fromkeys(found)]


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def is_path(known: Known, node: Mapping[str, Any]) -> bool:
    """Tell whether a node holds a path."""
    return any(part.get("format") in ("path", "file-path", "directory-path") for part in parts_of(known, node))


def doc_of(known: Known, node: Mapping[str, Any]) -> str:
    """Return the first sentence of what a node is for."""
    text = node.get("description") or next((p["description"] for p in parts_of(known, node) if "description" in p), "")
    return str(text).partition(". ")[0]
