"""What may stand next on a command line: answered from a cached description, with the standard library alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from .choices import (
    Item,
    alias_items,
    column_items,
    dataset_items,
    metric_items,
    model_items,
    paths,
    run_items,
    sweep_items,
    version_items,
)

Mode = Literal["plain", "files"]
SIGNS = ("++", "+", "~")


@dataclass(frozen=True)
class Answer:
    """What may stand next; `files` tells the shell to quote and mark them as paths."""

    items: tuple[Item, ...] = ()
    mode: Mode = "plain"


@dataclass(frozen=True)
class Known:
    """What a command line is completed from: the cache's content, and the home folder that runs are in."""

    home: Path
    verbs: Mapping[str, Any] = field(default_factory=dict)
    """Verb -> `help`, `options`, `places` (positional arguments), `actions`."""
    schema: Mapping[str, Any] = field(default_factory=dict)
    """The JSON schema of a config file."""
    multiple: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Kind -> the component, or components, of a run where nothing is chosen."""
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Config group -> name -> what that file chooses, by kind."""
    plugins: tuple[str, ...] = ()

    def fields(self, kind: str, name: str) -> Mapping[str, Any]:
        """Return the schema of each field of a component; empty where there is none of the name."""
        node = self.schema.get("$defs", {}).get(f"{kind}.{name}", {})
        return {key: value for key, value in node.get("properties", {}).items() if key != "component"}

    def names(self, kind: str) -> list[Item]:
        """Return the components of a kind."""
        found = self.schema.get("$defs", {})
        names = found.get(kind, {}).get("anyOf", [{}])[0].get("enum", ())
        return [Item(name, found.get(f"{kind}.{name}", {}).get("description", "")) for name in names]


def answer(known: Known, before: Sequence[str], current: str) -> Answer:
    """Return what may replace `current`, given the words before it (the program's own name left out)."""
    found = _answer(known, before, current)
    fitting = {item.text: item for item in found.items if item.text.startswith(current)}
    return Answer(tuple(fitting.values()), found.mode)


def _answer(known: Known, before: Sequence[str], current: str) -> Answer:
    if not before and not current.startswith(("-", *SIGNS)) and "=" not in current and "." not in current:
        verbs = tuple(Item(verb, spec["help"]) for verb, spec in known.verbs.items())
        return Answer(verbs + (_keys(known, (), current) if current else ()))
    if not before or before[0] not in known.verbs:
        top = (Item("--help"), Item("--version")) if not before and current.startswith("-") else ()
        found = _in_verb(known, "run", before, current)
        return Answer(top + found.items, found.mode)
    return _in_verb(known, before[0], before[1:], current)


@dataclass(frozen=True)
class _Place:
    """Where in a verb's grammar a command line stands."""

    spec: Mapping[str, Any]
    line: tuple[str, ...]
    """Every word so far."""
    words: tuple[str, ...]
    """The positional ones of them, the action left out."""
    waiting: Mapping[str, Any] | None
    """The option whose value comes next."""
    used: frozenset[str]


def _in_verb(known: Known, verb: str, before: Sequence[str], current: str) -> Answer:
    place = _place(known.verbs.get(verb, {}), before)
    options: Mapping[str, Any] = place.spec.get("options", {})
    if place.waiting is not None:
        return _valued(known, verb, place, place.waiting, current)
    name, equals, value = current.partition("=")
    if equals and name in options and options[name]["takes"]:
        found = _valued(known, verb, place, options[name], value)
        return Answer(tuple(Item(f"{name}={item.text}", item.help) for item in found.items), found.mode)
    if current.startswith("-"):
        again = {name for name in options if options[name].get("repeats")}
        return Answer(
            tuple(Item(name, spec["help"]) for name, spec in options.items() if name not in place.used - again)
        )
    if actions := place.spec.get("actions"):
        return Answer(tuple(Item(name, spec["help"]) for name, spec in actions.items()))
    places = place.spec.get("places", [])
    if not places:
        return Answer()
    last = places[-1]
    if len(place.words) >= len(places) and not last.get("many"):
        return Answer()
    return _valued(known, verb, place, places[min(len(place.words), len(places) - 1)], current)


def _place(spec: Mapping[str, Any], before: Sequence[str]) -> _Place:
    words: list[str] = []
    waiting: Mapping[str, Any] | None = None
    used: set[str] = set()
    for word in before:
        options = spec.get("options", {})
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            name, equals, _ = word.partition("=")
            used.add(name)
            waiting = options[name] if name in options and options[name]["takes"] and not equals else None
        elif word in spec.get("actions", {}):
            spec = spec["actions"][word]
        else:
            words.append(word)
    return _Place(spec, tuple(before), tuple(words), waiting, frozenset(used))


def _valued(known: Known, verb: str, place: _Place, what: Mapping[str, Any], current: str) -> Answer:
    """Return the values of an argument, by its choices, else by its name."""
    if what.get("choices"):
        return Answer(tuple(map(Item, what["choices"])))
    if what["name"] == "overrides":
        multirun = bool({"-m", "--multirun"} & place.used)
        return _override(known, place.line, current, multirun=multirun)
    if what.get("path") or what["name"] in ("data", "path", "file", "folder"):
        return Answer(tuple(paths(current, ())), "files")
    named: Mapping[str, Callable[[], Iterable[Item]]] = {
        **dict.fromkeys(("run", "first", "second", "run_id"), lambda: run_items(known.home)),
        "sweep": lambda: sweep_items(known.home),
        "model": lambda: model_items(known.home),
        "alias": lambda: alias_items(known.home),
        **dict.fromkeys(("version", "before", "now"), lambda: version_items(known.home)),
        "dataset": lambda: dataset_items(known.home),
        "kind": lambda: map(Item, known.kinds),
        **{kind: partial(known.names, kind) for kind in known.kinds},
    }
    if what["name"] in named:
        found = tuple(named[what["name"]]())
        if what["name"] == "model" and verb != "models":
            found += (*run_items(known.home), *paths(current, None))
        return Answer(found)
    if what["name"] == "name" and verb == "plugins":
        return Answer(tuple(map(Item, known.plugins)))
    if what["name"] == "name" and place.words and place.words[0] in known.kinds:
        return Answer(tuple(known.names(place.words[0])))
    return Answer()


def _override(known: Known, words: Sequence[str], current: str, *, multirun: bool) -> Answer:
    """Return the keys, or the values of a key, of a Hydra override."""
    sign = next((sign for sign in SIGNS if current.startswith(sign)), "")
    bare = current.removeprefix(sign)
    key, equals, value = bare.partition("=")
    if not equals:
        keys = _keys(known, words, bare)
        if sign == "~":
            keys = tuple(Item(item.text.rstrip("=["), item.help) for item in keys if not item.text.endswith("."))
        return Answer(tuple(Item(sign + item.text, item.help) for item in keys))
    found = _values(known, words, key, value, multirun=multirun)
    return Answer(tuple(Item(f"{sign}{key}={item.text}", item.help) for item in found.items), found.mode)


def _keys(known: Known, words: Sequence[str], typed: str) -> tuple[Item, ...]:
    above, dot, _ = typed.rpartition(".")
    if not dot:
        return tuple(_roots(known))
    return tuple(Item(f"{above}.{item.text}", item.help) for item in _below(known, words, above))


def _roots(known: Known) -> Iterator[Item]:
    for kind in known.kinds:
        yield Item(f"{kind}=[" if kind in known.multiple else f"{kind}=", f"choose the {kind}")
        yield Item(f"{kind}.", f"fields of the {kind}")
    for name, node in known.schema.get("properties", {}).items():
        if name in ("defaults", "hydra", *known.kinds):
            continue
        nested = _nested(known, node) or name in ("gates", "settings")
        yield Item(f"{name}." if nested else f"{name}=", _doc(known, node))
    for group in known.groups:
        yield Item(f"{group}=", f"a file of {group}/")


def _below(known: Known, words: Sequence[str], above: str) -> Iterator[Item]:
    """Yield the keys below a path, each with `=` or, where there is more below it, a dot."""
    root, _, rest = above.partition(".")
    if root == "gates" and not rest:
        yield from (Item(f"{metric}=") for metric in metric_items(known.home))
    elif root in known.multiple and not rest:
        yield from (Item(f"{name.replace('.', '_')}.", f"fields of {name}") for name in _chosen(known, words, root))
    else:
        for name, node in _node(known, words, above).items():
            yield Item(f"{name}." if _nested_only(known, node) else f"{name}=", _doc(known, node))


def _values(known: Known, words: Sequence[str], key: str, value: str, *, multirun: bool) -> Answer:
    if key in known.kinds:
        names = known.names(key)
        if key in known.multiple:
            return Answer(tuple(_listed(names, value)))
        return Answer(tuple(_several(names, value) if multirun else names))
    if key in known.groups:
        files = [Item(name) for name in [*known.groups[key], *_own_files(known, words, key)]]
        return Answer(tuple(_several(files, value) if multirun else files))
    above, _, name = key.rpartition(".")
    if above == "roles" or key == "split.column":
        columns = [Item(column) for column in column_items(words)]
        return Answer(tuple(_listed(columns, value) if name == "ignore" else columns))
    node = _node(known, words, above).get(name, {})
    choices = _choices(known, node)
    if not choices and (name == "path" or _is_path(known, node)):
        return Answer(tuple(paths(value, ())), "files")
    if inner := [item for part in _parts(known, node) for item in _choices(known, part.get("items", {}))]:
        return Answer(tuple(_listed(inner, value)))
    return Answer(tuple(_several(choices, value) if multirun else choices))


def _listed(items: Sequence[Item], value: str) -> Iterator[Item]:
    """Yield `[a,b` for each item; one that is whole is followed by `]` and by `,`."""
    begun, comma, partial = value.removeprefix("[").rpartition(",")
    taken = {text.strip() for text in begun.split(",")}
    left = [item for item in items if item.text not in taken and item.text.startswith(partial)]
    for item in left:
        text = f"[{begun}{comma}{item.text}"
        if len(left) == 1 or item.text == partial:
            yield from (Item(f"{text}]", item.help), Item(f"{text},", item.help))
        else:
            yield Item(text, item.help)


def _several(items: Sequence[Item], value: str) -> list[Item]:
    """Return `a,b` for each item that does not stand in the list yet: a sweep over values."""
    begun, comma, _ = value.rpartition(",")
    taken = begun.split(",")
    return [Item(f"{begun}{comma}{item.text}", item.help) for item in items if item.text not in taken]


def _node(known: Known, words: Sequence[str], path: str) -> Mapping[str, Any]:
    """Return the schema of each key directly below a path."""
    root, *rest = path.split(".") if path else [""]
    if root in known.kinds:
        names = _chosen(known, words, root)
        if root in known.multiple:
            key, *rest = rest or [""]
            names = [name for name in names if name.replace(".", "_") == key]
        nodes: Mapping[str, Any] = {k: v for name in reversed(names) for k, v in known.fields(root, name).items()}
    else:
        rest = [part for part in (root, *rest) if part]
        nodes = known.schema.get("properties", {})
    for part in rest:
        nodes = _nested(known, nodes.get(part, {}))
    return nodes


def _chosen(known: Known, words: Sequence[str], kind: str) -> list[str]:
    """Return the components of a kind on the line: the last choice, else an experiment's, else the default."""
    for word in reversed(words):
        key, equals, value = word.lstrip("+").partition("=")
        if equals and key == kind:
            return [name.strip() for name in re.split(r"[\[\],]", value) if name.strip()]
    for word in reversed(words):
        group, _, name = word.lstrip("+").partition("=")
        choices = known.groups.get(group, {}).get(name) or _own_files(known, words, group).get(name, {})
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


def _own_files(known: Known, words: Sequence[str], group: str) -> dict[str, dict[str, list[str]]]:
    """Return the user's own files of a group, below the folder that `--config-dir` names."""
    folders = [after for word, after in pairwise(words) if word in ("--config-dir", "-cd")]
    folders += [word.partition("=")[2] for word in words if word.startswith("--config-dir=")]
    found = {}
    for folder in folders:
        for path in sorted((Path(folder).expanduser() / group).rglob("*.yaml")):
            name = path.relative_to(Path(folder).expanduser() / group).with_suffix("").as_posix()
            found[name] = choices_in(path.read_text("utf-8", "replace"), known.kinds)
    return found


def _parts(known: Known, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the alternatives of a schema, references followed."""
    if "$ref" in node:
        name = node["$ref"].removeprefix("#/$defs/")
        return [] if name == "interpolation" else _parts(known, known.schema["$defs"].get(name, {}))
    if "anyOf" in node:
        return [part for inner in node["anyOf"] for part in _parts(known, inner)]
    return [node]


def _nested(known: Known, node: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for part in _parts(known, node) for key, value in part.get("properties", {}).items()}


def _nested_only(known: Known, node: Mapping[str, Any]) -> bool:
    parts = [part for part in _parts(known, node) if part.get("type") != "null"]
    return bool(parts) and all(part.get("type") == "object" for part in parts)


def _choices(known: Known, node: Mapping[str, Any]) -> list[Item]:
    found: list[str] = []
    for part in _parts(known, node):
        if "enum" in part or "const" in part:
            found += [_yaml(value) for value in part.get("enum", [part.get("const")])]
        elif part.get("type") == "boolean":
            found += ["true", "false"]
    if any(part.get("type") == "null" for part in _parts(known, node)):
        found.append("null")
    doc = _doc(known, node)
    return [Item(value, doc) for value in dict.fromkeys(found)]


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _is_path(known: Known, node: Mapping[str, Any]) -> bool:
    return any(part.get("format") in ("path", "file-path", "directory-path") for part in _parts(known, node))


def _doc(known: Known, node: Mapping[str, Any]) -> str:
    text = node.get("description") or next((p["description"] for p in _parts(known, node) if "description" in p), "")
    return str(text).partition(". ")[0]
