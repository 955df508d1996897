"""What Python callers say by keyword of a sweep, as the overrides that a command line would have."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline.data.frames import to_polars
from hookline.errors import UsageError
from hookline.kinds.component import COMPONENT, Component
from hookline.kinds.kinds import MULTIPLE
from hookline.kinds.plain import plain
from hookline.plans.hydra.shorthand import is_path, quoted
from hookline.plans.keywords import PARTS, FrameSource
from hookline.plans.placing.components import key_of
from hookline.registry.registry import Registry
from hookline.workspace.home import home

WORD = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)
"""A text that Hydra's grammar takes as one without quotes, but for the words that mean something there."""
MEANING = frozenset({"true", "false", "null", "none", "nan", "inf", "infinity", "yes", "no", "on", "off"})
LISTS = frozenset({*MULTIPLE, "ignore", "roles.ignore"})
"""Keys that take a list themselves; a list of lists is then what to try."""


def overrides_of(registry: Registry, config: Mapping[str, Any]) -> list[str]:
    """Return the overrides that keywords mean: of each list every value is tried, and a data frame is kept as a file.

    Raises UsageError for what no worker could build again.
    """
    return [override for key, value in config.items() for override in _said(registry, key, value)]


def _said(registry: Registry, key: str, value: Any) -> Iterator[str]:
    if key in PARTS:
        for name, inner in _set(value).items():
            yield from _said(registry, f"{key}.{name}", inner)
    elif key in MULTIPLE:
        yield from _of_several(registry, key, value)
    elif isinstance(value, Component):
        yield from _said(registry, key, _named(registry, value))
    elif isinstance(value, Mapping) and COMPONENT in value:
        yield f"{key}={value[COMPONENT]}"
        yield from _fields(key, value)
    elif key == "source":
        yield from _of_rows(registry, value)
    else:
        yield f"{key}={_choices(key, value)}"


def _of_rows(registry: Registry, value: Any) -> Iterator[str]:
    """Yield what a source's name, a path, several of these, or a data frame means."""
    given = list(value) if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(one, (str, Path)) for one in given):
        given = [_kept(value)]
    elif not all(isinstance(one, Path) or _is_table(registry, one) for one in given):
        yield f"source={_choices('source', value)}"
        return
    yield from ("source=file", f"source.path={','.join(quoted(str(one)) for one in given)}")


def _is_table(registry: Registry, text: Any) -> bool:
    return ("source", text) not in registry and is_path(str(text))


def _kept(frame: Any) -> Path:
    """Return a file of the home that holds a data frame, named by its content: workers have no other way to it."""
    rows = to_polars(frame).lazy().collect()
    path = home() / "frames" / FrameSource.of(rows).digest[:16] / "frame.parquet"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        rows.write_parquet(part)
        part.replace(path)
    return path


def _of_several(registry: Registry, kind: str, value: Any) -> Iterator[str]:
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    if items and all(isinstance(item, (list, tuple)) for item in items):
        yield f"{kind}={','.join(_text(list(item)) for item in items)}"
        return
    nodes = [_named(registry, item) if isinstance(item, Component) else item for item in items if item is not None]
    names = [node[COMPONENT] if isinstance(node, Mapping) else node for node in nodes]
    yield f"{kind}={_text(names)}"
    for name, node in zip(names, nodes, strict=True):
        if isinstance(node, Mapping):
            yield from _fields(f"{kind}.{key_of(name)}", node)


def _fields(key: str, node: Mapping[str, Any]) -> Iterator[str]:
    for name, value in node.items():
        if name != COMPONENT:
            yield f"{key}.{name}={_choices(f'{key}.{name}', value)}"


def _named(registry: Registry, component: Component) -> dict[str, Any]:
    """Return a component as a mapping of what it does not leave at its default."""
    kind, name = type(component).kind, component.name
    if (kind, name) not in registry or registry.entry(kind, name).cls is not type(component):
        raise UsageError(
            f"{kind} '{name}' is no plugin's, and the workers of a sweep could not build it again",
            hint="name its module under [tool.hookline] plugins in pyproject.toml, or in HOOKLINE_PLUGINS",
        )
    fields = plain(component)
    # A list among them is a value, and nothing to try.
    said = {key: [fields[key]] if isinstance(fields[key], list) else fields[key] for key in _set(component)}
    return {COMPONENT: name, **said}


def _set(value: Any) -> dict[str, Any]:
    """Return what a mapping or an object such as Roles sets."""
    if isinstance(value, Mapping):
        return dict(value)
    held = {field.name: (getattr(value, field.name), field.default) for field in dataclasses.fields(value)}
    return {name: one for name, (one, default) in held.items() if one != default}


def _choices(key: str, value: Any) -> str:
    """Return a value, or each of those that are to be tried."""
    listed = isinstance(value, (list, tuple, range))
    if listed and key in LISTS and not all(isinstance(one, (list, tuple)) for one in value):
        return _text(list(value))
    if not listed:
        return _text(value)
    if not value:
        raise UsageError(f"{key}: nothing to try in an empty list", hint=f"leave {key} out, or give values")
    return ",".join(map(_text, value))


def _text(value: Any) -> str:
    """Return a value as Hydra's grammar has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (str, Path)):
        text = str(value)
        return text if WORD.fullmatch(text) and text.lower() not in MEANING else quoted(text)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_text(key)}:{_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, Sequence):
        return f"[{','.join(map(_text, value))}]"
    raise UsageError(f"{value!r} cannot be told to the workers of a sweep", hint="give names, numbers and texts")
