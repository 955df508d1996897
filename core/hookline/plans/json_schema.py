"""The JSON schema of config files, for editors."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from importlib import import_module, resources
from typing import Any

from hookline.kinds.component import COMPONENT, OF_KIND
from hookline.kinds.kinds import KIND_TABLE, KINDS, MULTIPLE
from hookline.kinds.plain import adapter
from hookline.registry.fields import field_docs
from hookline.registry.registry import Registry
from hookline.version import __version__

from .config import Options
from .hydra.compose import CONFIG_PACKAGE
from .keywords import PARTS
from .placing.components import key_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
BENCHMARK = "benchmark"
"""The config group of suites, which is no part of a run's config."""
INTERPOLATION = {"type": "string", "pattern": r"^(\$\{.+\}|\?\?\?)$", "description": "a reference such as ${seed}"}


def schema_of(registry: Registry) -> dict[str, Any]:
    """Return the schema of a config or experiment file, given the components and settings that are installed."""
    defs: dict[str, Any] = {"interpolation": INTERPOLATION}
    options = _lift(adapter(Options).json_schema(), Options, "options", defs)
    for kind in KINDS:
        for name in registry.names(kind):
            defs[f"{kind}.{name}"] = _component(registry, kind, name, defs)
        defs[kind] = _choice(registry, kind)
    properties = {
        "defaults": _defaults(registry),
        **{name: _nullable(node) if name in PARTS else node for name, node in options.items()},
        **{kind: _kind(registry, kind) for kind in KINDS},
        "features": {"description": "Feature sets by name, with what they define.", "type": ["object", "null"]},
        "settings": _settings(registry, defs),
        "hydra": {"description": "Options of Hydra itself.", "type": ["object", "null"]},
    }
    return {
        "$schema": DIALECT,
        "title": "hookline config",
        "description": f"A config or experiment file of hookline {__version__}, with the plugins installed here.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "allOf": [_when_chosen(kind, name) for kind in KINDS if kind not in MULTIPLE for name in registry.names(kind)],
        "$defs": defs,
    }


def config_files(registry: Registry) -> dict[str, dict[str, str]]:
    """Return config group -> name -> text of every YAML file in the config packages that a run may choose."""
    return {group: files for group, files in _packaged(registry).items() if group != BENCHMARK}


def benchmark_files(registry: Registry) -> dict[str, str]:
    """Return name -> text of every suite of `hookline bench` in the config packages of hookline and its plugins."""
    return _packaged(registry).get(BENCHMARK, {})


def _packaged(registry: Registry) -> dict[str, dict[str, str]]:
    groups: dict[str, dict[str, str]] = {}
    for package in (CONFIG_PACKAGE, *registry.configs):
        for names, text in _yaml_files(resources.files(import_module(package)), ()):
            groups.setdefault("/".join(names[:-1]), {})[names[-1]] = text
    return groups


def _yaml_files(folder: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for item in sorted(folder.iterdir(), key=lambda item: str(item.name)):
        if item.is_dir() and not item.name.startswith(("_", ".")):
            yield from _yaml_files(item, (*above, item.name))
        elif item.name.endswith(".yaml"):
            yield (*above, item.name.removesuffix(".yaml")), item.read_text("utf-8")


def _component(registry: Registry, kind: str, name: str, defs: dict[str, Any]) -> dict[str, Any]:
    described = registry.describe(kind, name)
    fields = _lift(described.json_schema, registry.entry(kind, name).cls, f"{kind}.{name}", defs)
    # Nothing is required: an experiment file says only what differs, and the rest is typed on the command line.
    named = {COMPONENT: {"const": name, "description": f"the {kind}'s name"}}
    return _object(described.doc.partition("\n\n")[0].replace("\n", " "), named | fields)


def _settings(registry: Registry, defs: dict[str, Any]) -> dict[str, Any]:
    nodes = {}
    for name, cls in registry.settings().items():
        schema = adapter(cls).json_schema()
        nodes[name] = _object(schema.get("description", ""), _lift(schema, cls, f"settings.{name}", defs))
    return _object("Options of plugins that act around a run.", nodes)


def _object(description: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": False,
    }


def _lift(schema: Mapping[str, Any], cls: Any, prefix: str, defs: dict[str, Any]) -> dict[str, Any]:
    """Return the documented properties of a class's schema; moves its own definitions to `defs` under `prefix`."""
    nested = {inner.__name__: inner for inner in _nested(cls)}
    for name, inner in schema.get("$defs", {}).items():
        moved = _moved(inner, prefix)
        if name in nested and "properties" in moved:
            moved["properties"] = _documented(moved["properties"], nested[name])
            moved.pop("required", None)
        defs[f"{prefix}.{name}"] = moved
    return _documented(_moved(schema.get("properties", {}), prefix), cls)


def _documented(properties: Mapping[str, Any], cls: Any) -> dict[str, Any]:
    docs = field_docs(cls)
    return {name: _field(node, docs.get(name, "")) for name, node in properties.items()}


def _field(node: Mapping[str, Any], doc: str) -> dict[str, Any]:
    """Return a field's schema with its docs; it may also be an interpolation, and null where it is an empty list."""
    outer = {key: node[key] for key in ("default", "description") if key in node}
    inner = {key: value for key, value in node.items() if key not in (*outer, "title")}
    takes = inner.pop("anyOf", None) or [inner]
    extra: list[dict[str, Any]] = [] if {"type": "string"} in takes else [{"$ref": "#/$defs/interpolation"}]
    if node.get("default") == [] and {"type": "null"} not in takes:
        extra.append({"type": "null"})
    if doc:
        outer["description"] = " ".join(doc.split())
    return outer | ({"anyOf": [*takes, *extra]} if extra or len(takes) > 1 else takes[0])


def _nullable(node: Mapping[str, Any]) -> dict[str, Any]:
    return dict(node) if {"type": "null"} in node["anyOf"] else {**node, "anyOf": [*node["anyOf"], {"type": "null"}]}


def _moved(node: Any, prefix: str) -> Any:
    if isinstance(node, Mapping) and OF_KIND in node:
        return {"$ref": f"#/$defs/{node[OF_KIND]}"}
    if isinstance(node, Mapping):
        return {
            key: value.replace("#/$defs/", f"#/$defs/{prefix}.") if key == "$ref" else _moved(value, prefix)
            for key, value in node.items()
        }
    return [_moved(item, prefix) for item in node] if isinstance(node, list) else node


def _nested(cls: Any) -> Iterator[Any]:
    """Yield the dataclasses among a class's fields, at any depth."""
    for hint in typing.get_type_hints(cls).values():
        for inner in _arguments(hint):
            if isinstance(inner, type) and dataclasses.is_dataclass(inner) and inner is not cls:
                yield inner
                yield from _nested(inner)


def _arguments(hint: Any) -> Iterator[Any]:
    yield hint
    for argument in typing.get_args(hint):
        yield from _arguments(argument)


def _choice(registry: Registry, kind: str) -> dict[str, Any]:
    """Return the schema of one component of a kind: its name, or its name and fields, or some of its fields."""
    names = registry.names(kind)
    return {"anyOf": [{"enum": names}, *({"$ref": f"#/$defs/{kind}.{name}"} for name in names)]}


def _kind(registry: Registry, kind: str) -> dict[str, Any]:
    any_of_kind = {"$ref": f"#/$defs/{kind}"}
    if kind not in MULTIPLE:
        choices = [any_of_kind, *([{"type": "null"}] if KIND_TABLE[kind].optional else [])]
        return {"description": f"The {kind}: a component and its fields.", "anyOf": choices}
    known = {
        key_of(name): {"if": _UNNAMED, "then": {"$ref": f"#/$defs/{kind}.{name}"}, "else": any_of_kind}
        for name in registry.names(kind)
    }
    return {
        "description": f"The {kind}s in order, each under its name, or under a key of yours with `component`.",
        "type": ["object", "null"],
        "properties": known,
        "additionalProperties": any_of_kind,
    }


_UNNAMED = {"type": "object", "not": {"required": [COMPONENT]}}


def _when_chosen(kind: str, name: str) -> dict[str, Any]:
    """Hold a kind's fields to those of the component that the defaults list chooses."""
    entry = {
        "type": "object",
        "anyOf": [{"required": [key], "properties": {key: {"const": name}}} for key in _ways_to_choose(kind)],
    }
    chosen = {"type": "object", "required": ["defaults"], "properties": {"defaults": {"contains": entry}}}
    fields = {"if": _UNNAMED, "then": {"$ref": f"#/$defs/{kind}.{name}"}}
    return {"if": chosen, "then": {"properties": {kind: fields}}}


def _ways_to_choose(group: str) -> tuple[str, ...]:
    return (f"override /{group}", f"/{group}", group)


def _defaults(registry: Registry) -> dict[str, Any]:
    """Return the schema of a defaults list: `_self_`, other files, and choices for groups."""
    choices: dict[str, Any] = {}
    groups = {group: sorted(names) for group, names in config_files(registry).items() if group}
    for kind in KINDS:
        names = {"enum": registry.names(kind)}
        one = {"enum": [*registry.names(kind), None]} if KIND_TABLE[kind].optional else names
        several = {"anyOf": [{"type": "array", "items": names}, names]}
        choices |= dict.fromkeys(_ways_to_choose(kind), several if kind in MULTIPLE else one)
    for group, known in groups.items():
        files = {"anyOf": [{"enum": known}, {"type": ["string", "array", "null"]}]}
        choices |= dict.fromkeys(_ways_to_choose(group), files)
    return {
        "description": "What this file begins with: `- override /trainer: ridge` chooses another component.",
        "type": "array",
        "items": {
            "anyOf": [
                {"const": "_self_", "description": "where this file's own values take their place"},
                {"type": "string"},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "properties": choices,
                    # A group of the user's own may be added, but only a known one overridden.
                    "patternProperties": {"^override /?hydra/": {}},
                    "additionalProperties": {"type": ["string", "array", "null"]},
                    "propertyNames": {"not": {"pattern": _unknown_override(groups)}},
                },
            ]
        },
    }


def _unknown_override(groups: Mapping[str, Any]) -> str:
    known = "|".join([*KINDS, *groups, "experiment"])
    return rf"^override (?!/?({known})(@.*)?$|/?hydra/)"
