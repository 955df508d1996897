"""The typed registry: collects components from plugins, refuses what breaks the contract, describes, builds and validates."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import os
import re
import sys
import textwrap
import typing
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

from .codec import adapter
from .components import KIND_CLASSES, KINDS, Component, Settings, Transform
from .errors import ConfigError, PluginError, Problem, UnknownName, closest, suggestion
from .plugins import Plugin, PluginSet, skip

METHODS: Mapping[str, str] = {
    "source": "load",
    "transform": "fit",
    "featurizer": "fit",
    "trainer": "fit",
    "evaluator": "evaluate",
    "packager": "save",
    "deployer": "deploy",
    "monitor": "check",
}
"""Kind -> the method whose annotations are the ports."""

NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
REQUIRED = "required"
T = TypeVar("T")


@dataclass(frozen=True)
class Ports:
    """What a stage takes and makes, as its method's annotations say."""

    takes: Mapping[str, Any]
    makes: Any


@dataclass(frozen=True)
class FieldInfo:
    """One configurable field of a component."""

    name: str
    type: str
    required: bool
    default: Any
    doc: str


@dataclass(frozen=True)
class Description:
    """Everything there is to know of a component without running it."""

    kind: str
    name: str
    doc: str
    fields: tuple[FieldInfo, ...]
    takes: Mapping[str, str]
    makes: str
    plugin: str
    distribution: str
    version: str
    cls: str
    json_schema: Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """A registered component class and the plugin that brought it."""

    cls: type[Component]
    plugin: Plugin


class Registry:
    """(kind, name) -> component class, checked when it is made."""

    def __init__(self, plugins: PluginSet) -> None:
        self.plugins = plugins
        self._entries: dict[tuple[str, str], Entry] = {}
        self._settings: dict[str, type[Settings]] = {}
        broken: dict[str, Plugin] = {}
        for kind in KINDS:
            for plugin, cls in _collect(plugins, f"register_{kind}s", broken):
                self._add(kind, plugin, cls)
        for plugin, settings in _collect(plugins, "register_settings", broken):
            self._add_settings(plugin, settings)
        self.plugins = dataclasses.replace(plugins, plugins=tuple(broken.get(p.name, p) for p in plugins.plugins))

    def names(self, kind: str) -> list[str]:
        """Return the sorted names of a kind's components."""
        return sorted(name for k, name in self._entries if k == kind)

    def entry(self, kind: str, name: str) -> Entry:
        """Return a component's class and plugin; raises UnknownName with the closest match."""
        if kind not in KINDS:
            raise UnknownName("kind", kind, KINDS)
        if (kind, name) not in self._entries:
            raise UnknownName(kind, name, self.names(kind), hint=self._hint(kind, name))
        return self._entries[kind, name]

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._entries

    def settings(self) -> Mapping[str, type[Settings]]:
        """Return the settings classes of lifecycle plugins by name."""
        return dict(sorted(self._settings.items()))

    def describe(self, kind: str, name: str) -> Description:
        """Return fields, defaults, docs, ports, JSON schema and origin of a component."""
        entry = self.entry(kind, name)
        found = ports(entry.cls)
        return Description(
            kind=kind,
            name=name,
            doc=inspect.cleandoc(entry.cls.__doc__ or ""),
            fields=field_infos(entry.cls),
            takes={port: type_text(annotation) for port, annotation in found.takes.items()},
            makes=type_text(found.makes),
            plugin=entry.plugin.name,
            distribution=entry.plugin.distribution,
            version=entry.plugin.version,
            cls=f"{entry.cls.__module__}.{entry.cls.__qualname__}",
            json_schema=adapter(entry.cls).json_schema(),
        )

    def build(self, kind: str, name: str, values: Mapping[str, Any], path: str) -> Component:
        """Build a component from plain config values; raises ConfigError with every problem at `path`."""
        cls = self.entry(kind, name).cls
        # Null stands for an empty list in config, so that a mapping may take its place there.
        lists = {f.name for f in dataclasses.fields(cls) if has_default(f) and default_of(cls, f) == []}
        given = {key: value for key, value in values.items() if not (value is None and key in lists)}
        return validate(cls, given, path, f"bad config for {kind} '{name}'")

    def _hint(self, kind: str, name: str) -> str | None:
        match = closest(name, self.names(kind))
        skipped = [f"plugin '{p.name}' is skipped: {p.skipped}" for p in self.plugins.plugins if p.skipped]
        if match:
            return f"did you mean '{match}'? (from {self._entries[kind, match].plugin.label})"
        return "; ".join([suggestion(name, self.names(kind), kind) or "", *skipped])

    def _add(self, kind: str, plugin: Plugin, cls: Any) -> None:
        check_class(kind, plugin, cls)
        if (kind, cls.name) in self._entries:
            other = self._entries[kind, cls.name].plugin
            raise PluginError(
                plugin.name,
                f"{kind} '{cls.name}' ({plugin.label}) is already taken by plugin '{other.name}' ({other.label})",
            )
        self._entries[kind, cls.name] = Entry(cls, plugin)

    def _add_settings(self, plugin: Plugin, cls: Any) -> None:
        if not (isinstance(cls, type) and issubclass(cls, Settings)):
            raise PluginError(plugin.name, f"register_settings returned {cls!r}, which is not a Settings class")
        if cls.name in self._settings:
            raise PluginError(plugin.name, f"settings '{cls.name}' are registered twice")
        self._settings[cls.name] = cls


def check_class(kind: str, plugin: Plugin, cls: Any) -> None:
    """Raise PluginError unless `cls` keeps the contract of its kind."""
    wanted = KIND_CLASSES[kind]
    if not (isinstance(cls, type) and issubclass(cls, wanted)):
        raise PluginError(plugin.name, f"register_{kind}s returned {cls!r}, which is not a {wanted.__name__} class")
    where = f"{kind} {cls.__module__}.{cls.__qualname__}"
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise PluginError(plugin.name, f"{where} does not implement {', '.join(missing)}")
    if issubclass(cls, Transform) and cls.fit is Transform.fit and cls.transform is Transform.transform:
        raise PluginError(plugin.name, f"{where} implements neither fit nor transform")
    _check_name(plugin, cls, where)
    for what, check in (("a port that does not resolve", ports), ("a field that cannot be configured", _check_fields)):
        try:
            check(cls)
        except Exception as error:
            raise PluginError(plugin.name, f"{where} has {what}: {error}") from error


def ports(cls: type[Component]) -> Ports:
    """Read a component's ports from its method's annotations; raises NameError or TypeError where one does not resolve."""
    method = METHODS[cls.kind]
    if issubclass(cls, Transform) and cls.fit is Transform.fit:
        return Ports({"train": Any}, cls)
    hints = typing.get_type_hints(getattr(cls, method), include_extras=True)
    if "return" not in hints:
        raise TypeError(f"{method} has no return annotation")
    makes = hints.pop("return")
    return Ports(hints, makes)


def validate(cls: type[T], values: Mapping[str, Any], path: str, title: str) -> T:
    """Build `cls` from plain values; raises ConfigError with every problem at once, at paths as the user types them."""
    from pydantic import ValidationError

    missing = [key for key, value in values.items() if value == "???"]
    given = {key: value for key, value in values.items() if key not in missing}
    try:
        built: T = adapter(cls).validate_python(given)
    except ValidationError as error:
        problems = _problems(cls, error, path)
        absent = [problem.path for problem in problems if problem.message.startswith(REQUIRED)]
        raise ConfigError(title, problems, hint=f"add {'=... '.join(absent)}=..." if absent else None) from None
    return built


def plain(value: Any) -> Any:
    """Return a component, settings or nested dataclass as plain JSON values."""
    return adapter(type(value)).dump_python(value, mode="json")


def field_infos(cls: Any) -> tuple[FieldInfo, ...]:
    """Return the configurable fields of a component or settings class, with their docs."""
    docs = field_docs(cls)
    hints = typing.get_type_hints(cls, include_extras=True)
    return tuple(
        FieldInfo(f.name, type_text(hints[f.name]), not has_default(f), default_of(cls, f), docs.get(f.name, ""))
        for f in dataclasses.fields(cls)
    )


def has_default(field: dataclasses.Field[Any]) -> bool:
    """Tell whether a field may be left out."""
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def default_of(cls: type[Any], field: dataclasses.Field[Any]) -> Any:
    """Return a field's default as plain JSON values, or None where it has none."""
    from pydantic import TypeAdapter

    if not has_default(field):
        return None
    value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    return TypeAdapter(Any).dump_python(value, mode="json")


@cache
def field_docs(cls: Any) -> Mapping[str, str]:
    """Return field name -> the string below it, or its `Annotated[..., Doc("...")]`."""
    docs = attribute_docs(cls)
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        for extra in getattr(hint, "__metadata__", ()):
            if isinstance(text := getattr(extra, "documentation", None), str):
                docs[name] = text
    return docs


def attribute_docs(cls: Any) -> dict[str, str]:
    """Return field name -> the string below it, as the source has it."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if dataclasses.is_dataclass(base):
            docs |= _attribute_docs(base)
    return docs


def type_text(annotation: Any) -> str:
    """Return a type as a person reads it: `int (> 0)`, `Pipeline[SklearnModel]`, `'a' | 'b'`."""
    if annotation is None or annotation is type(None):
        return "None"
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        bounds = ", ".join(filter(None, map(_bound_text, args[1:])))
        return f"{type_text(args[0])} ({bounds})" if bounds else type_text(args[0])
    if origin is typing.Literal:
        return " | ".join(map(repr, args))
    if origin is not None and _is_union(origin):
        # Python takes unions of the same types for one, and keeps the order of whichever it has met first.
        return " | ".join(sorted(map(type_text, args), key=lambda text: (text == "None", text)))
    if origin is not None:
        inner = ", ".join("..." if arg is Ellipsis else type_text(arg) for arg in args)
        return f"{getattr(origin, '__name__', origin)}[{inner}]"
    return getattr(annotation, "__name__", str(annotation))


def _is_union(origin: Any) -> bool:
    import types

    return origin is typing.Union or origin is types.UnionType


def _bound_text(bound: Any) -> str:
    symbols = (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="), ("multiple_of", "multiple of"))
    return ", ".join(f"{sign} {getattr(bound, a)}" for a, sign in symbols if getattr(bound, a, None) is not None)


def _collect(plugins: PluginSet, hook: str, broken: dict[str, Plugin]) -> Iterable[tuple[Plugin, Any]]:
    implementations = getattr(plugins.manager.hook, hook).get_hookimpls()
    by_name = {impl.plugin_name: impl for impl in implementations}
    for plugin in plugins.plugins:
        if plugin.name not in by_name or plugin.name in broken:
            continue
        try:
            with redirect_stdout(sys.stderr):  # What a plugin prints is no data.
                classes: Sequence[Any] = tuple(by_name[plugin.name].function())
        except Exception as error:  # noqa: BLE001  a plugin's hook may raise anything, and must not stop the others
            strict = os.environ.get("HOOKLINE_STRICT", "") not in ("", "0")
            broken[plugin.name] = skip(plugin, f"{hook}: {type(error).__name__}: {error}", strict=strict, cause=error)
            continue
        yield from ((plugin, cls) for cls in classes)


def _check_name(plugin: Plugin, cls: type[Component], where: str) -> None:
    name = getattr(cls, "name", None)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise PluginError(plugin.name, f"{where} needs a snake_case class attribute `name`, got {name!r}")
    prefix, dot, _ = name.rpartition(".")
    if plugin.origin == "installed" and prefix != plugin.name:
        raise PluginError(
            plugin.name,
            f"{where} must be named '{plugin.name}.{name.rpartition('.')[2]}', since it comes from {plugin.label}",
        )
    if plugin.origin != "installed" and dot:
        raise PluginError(plugin.name, f"{where} has a dot in its name, which marks components of installed plugins")


def _check_fields(cls: type[Component]) -> None:
    reserved = {"component", "name", "kind"} & {f.name for f in dataclasses.fields(cls)}
    if reserved:
        raise TypeError(f"the field name '{min(reserved)}' is reserved")
    adapter(cls)


def _problems(cls: Any, error: Any, path: str) -> list[Problem]:
    found: dict[str, list[str]] = {}
    for item in error.errors(include_url=False):
        where, known = _locate(cls, item["loc"])
        full = ".".join([path, *where]) if path else ".".join(where)
        message = _message(item, where[-1] if where else "", known)
        if message == REQUIRED and len(where) == 1 and (doc := field_docs(cls).get(where[0])):
            message += f"; {doc[0].lower()}{doc[1:].partition('. ')[0].rstrip('.')}"
        found.setdefault(full, []).append(message)
    return [Problem(where, " or ".join(dict.fromkeys(messages))) for where, messages in found.items()]


def _locate(cls: Any, loc: Sequence[Any]) -> tuple[list[str], list[str]]:
    # Pydantic puts the names of union members and dataclasses between the keys; the user never typed those.
    where: list[str] = []
    known: list[str] = []
    current = [cls]
    for place, part in enumerate(loc):
        nested = [c for c in map(_dataclass_in, current) if c]
        names = [f.name for c in nested for f in dataclasses.fields(c)]
        if isinstance(part, int):
            where.append(str(part))
        elif part in names:
            where.append(part)
            known = names
            hints = [typing.get_type_hints(c, include_extras=True).get(part) for c in nested]
            current = [inner for hint in hints for inner in _members(hint)]
        elif nested and (place == 0 or not _is_tag(part, current)):
            where.append(str(part))
            known = names
        elif not nested and not _is_tag(part, current):
            where.append(str(part))
    return where, known


def _is_tag(part: Any, current: Sequence[Any]) -> bool:
    text = str(part)
    if any(mark in text for mark in ("[", "(", "-")):
        return True
    tags = {"int", "float", "str", "bool", "none", "literal", "tuple", "list", "dict", "mapping", "path", "nullable"}
    return text in tags or text in {getattr(c, "__name__", "") for c in current}


def _members(hint: Any) -> list[Any]:
    args = typing.get_args(hint)
    if not args:
        return [hint]
    return [inner for arg in args for inner in _members(arg)]


def _dataclass_in(cls: Any) -> Any:
    return cls if isinstance(cls, type) and dataclasses.is_dataclass(cls) else None


def _message(item: Mapping[str, Any], name: str, known: Sequence[str]) -> str:
    if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        match = closest(name, known)
        there = f"; there is {', '.join(sorted(known))}" if known else "; it has no fields"
        return "unknown field" + (f"; did you mean '{match}'?" if match else there)
    if item["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return REQUIRED
    if item["type"] == "tuple_type":
        return (
            f"must be a list, such as {name}=[{item['input']}]" if isinstance(item["input"], str) else "must be a list"
        )
    text = str(item["msg"]).replace("Input should be ", "must be ")
    if item["type"] == "value_error":
        return str(text).removeprefix("Value error, ")
    return f"{text[0].lower()}{text[1:]}, got {item['input']!r}"


def _attribute_docs(cls: Any) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.ClassDef) else []
    docs = {}
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                docs[name] = inspect.cleandoc(text)
    return docs
