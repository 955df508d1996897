"""What plugins bring, by name: the component classes of each kind, settings and pages; checked when it is made."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError, PluginError, UnknownName, closest, suggestion
from hookline.kinds.component import Component, Settings
from hookline.kinds.features.sets import FeatureSet
from hookline.kinds.hooks import PageServer, Scorer
from hookline.kinds.kinds import KINDS, MULTIPLE
from hookline.kinds.plain import adapter
from hookline.telling.secrets import logger

from .contract import check_class
from .fields import FieldInfo, default_of, field_infos, has_default
from .loading import Plugin, PluginSet, made_of_functions, skip
from .named import PAGE, SCORER, SERVER, FeatureSetOf, Page, Scores, Shows, add, add_set
from .nested import build_nested
from .ports import ports, type_text
from .remedies import remedies_of
from .values import validate

log = logger("hookline.registry")


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
    """(kind, name) -> component class, and page name -> page; checked when it is made."""

    def __init__(self, plugins: PluginSet) -> None:
        self.plugins = plugins
        self._entries: dict[tuple[str, str], Entry] = {}
        self._settings: dict[str, tuple[type[Settings], Plugin]] = {}
        self._pages: dict[str, Page] = {}
        self._scorers: dict[str, Scores] = {}
        self._servers: dict[str, Shows] = {}
        self._configs: dict[str, Plugin] = {}
        self._sets: dict[str, FeatureSetOf] = {}
        broken: dict[str, Plugin] = {}
        for kind in KINDS:
            for plugin, cls in _collect(plugins, f"register_{kind}s", broken):
                self._add(kind, plugin, cls)
        for plugin, cls in made_of_functions(plugins):
            self._add(cls.kind, plugin, cls)
        for plugin, settings in _collect(plugins, "register_settings", broken):
            self._add_settings(plugin, settings)
        for plugin, (name, write) in _collect(plugins, "register_pages", broken, _items):
            add(self._pages, PAGE, name, Page(write, plugin))
        for plugin, (name, score) in _collect(plugins, "register_scorers", broken, _items):
            add(self._scorers, SCORER, name, Scores(score, plugin))
        for plugin, (name, show) in _collect(plugins, "register_page_servers", broken, _items):
            add(self._servers, SERVER, name, Shows(show, plugin))
        for plugin, package in _collect(plugins, "register_configs", broken, _texts):
            self._configs[package] = plugin
        for plugin, declared in _collect(plugins, "register_feature_sets", broken):
            add_set(self._sets, declared, plugin)
        self._drop(broken)
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

    def knowing(self, classes: Iterable[type[Component]]) -> Registry:
        """Return a registry that also has components which no plugin registers, such as a notebook's own."""
        own = Plugin("here", "", "", "", "project")
        wider = copy.copy(self)
        more = {(cls.kind, cls.name): Entry(cls, own) for cls in classes if not self._has(cls)}
        vars(wider)["_entries"] = self._entries | more
        return wider

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._entries

    def settings(self) -> Mapping[str, type[Settings]]:
        """Return the settings classes of lifecycle plugins by name."""
        return {name: cls for name, (cls, _) in sorted(self._settings.items())}

    @property
    def configs(self) -> tuple[str, ...]:
        """The config packages that plugins add to Hydra's search path."""
        return tuple(self._configs)

    @property
    def feature_sets(self) -> Mapping[str, FeatureSet]:
        """The feature sets that plugins define, by name."""
        return {name: one.declared for name, one in sorted(self._sets.items())}

    @property
    def pages(self) -> Mapping[str, Page]:
        """The pages that plugins write, by name."""
        return dict(sorted(self._pages.items()))

    def render(self, name: str, data: Mapping[str, Any], path: Path) -> bool:
        """Have a page written from plain data to the file `path`; False where no plugin brings it.

        Raises what the plugin raises, such as MissingBackend where it lacks a library.
        """
        if name not in self._pages:
            return False
        self._pages[name].act(data, path)
        return True

    def scorer(self, name: str) -> Scorer:
        """Return what has a table's chunks answered elsewhere; raises UnknownName where no plugin brings it."""
        if name not in self._scorers:
            known = sorted(self._scorers)
            raise UnknownName("scorer", name, known, hint=f"choose {' or '.join(known)}" if known else None)
        return self._scorers[name].act

    def page_server(self, name: str) -> PageServer | None:
        """Return what serves the pages of a home; None where no plugin brings it."""
        found = self._servers.get(name)
        return None if found is None else found.act

    def classes(self, kind: str) -> list[type[Component]]:
        """Return a kind's component classes, by name."""
        return [self._entries[kind, name].cls for name in self.names(kind)]

    def remedies(self, ailment: str, config: Mapping[str, Any] | None = None, /, **facts: Any) -> list[str]:
        """Return what to type against an ailment, as the components say that mend it; see `remedies_of`."""
        classes = sorted((entry.cls for entry in self._entries.values()), key=lambda cls: KINDS.index(cls.kind))
        return [text for cls in classes for text in remedies_of(cls, ailment, config or {}, facts)]

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
        build = partial(self._build_seeded, given.get("seed"))
        try:
            return validate(cls, build_nested(build, cls, given, path), path, f"bad config for {kind} '{name}'")
        except ConfigError as error:
            error.hint = error.hint or self._whose(kind, [key for key in given if key not in cls.__dataclass_fields__])
            raise

    def _whose(self, kind: str, fields: Sequence[str]) -> str | None:
        """Say which other components of a kind have a field that the chosen one lacks."""
        for field in fields:
            if owners := [n for n in self.names(kind) if field in self._entries[kind, n].cls.__dataclass_fields__]:
                choice = f"[{owners[0]}]" if kind in MULTIPLE else owners[0]
                return f"{field} is a field of {', '.join(owners)}; choose one, such as {kind}={choice}"
        return None

    def _build_seeded(self, seed: Any, kind: str, name: str, values: Mapping[str, Any], path: str) -> Component:
        """Build a component in another's field, which takes the other's seed where it has one and none is said."""
        takes = (kind, name) in self and "seed" in self._entries[kind, name].cls.__dataclass_fields__
        seeded = {"seed": seed} if takes and seed is not None else {}
        return self.build(kind, name, {**seeded, **values}, path)

    def tell(self, hook: str, **facts: Any) -> None:
        """Call a lifecycle hook of every plugin; one that fails is told of, and the others are called all the same."""
        caller = getattr(self.plugins.manager.hook, hook)
        for implementation in reversed(caller.get_hookimpls()):
            wanted = {name: facts[name] for name in implementation.argnames}
            try:
                with redirect_stdout(sys.stderr):  # What a plugin prints is no data.
                    implementation.function(**wanted)
            except Exception as error:  # noqa: BLE001  a lifecycle hook may raise anything, and must not take the run with it
                plugin, told = implementation.plugin_name, type(error).__name__
                log.warning("hook %s of plugin '%s' failed: %s: %s", hook, plugin, told, error)

    def _drop(self, broken: Mapping[str, Plugin]) -> None:
        """Take back all that plugins brought before one of their hooks raised, their lifecycle hooks included."""
        self._entries = {key: entry for key, entry in self._entries.items() if entry.plugin.name not in broken}
        self._settings = {name: held for name, held in self._settings.items() if held[1].name not in broken}
        self._pages = {name: page for name, page in self._pages.items() if page.plugin.name not in broken}
        self._scorers = {name: held for name, held in self._scorers.items() if held.plugin.name not in broken}
        self._servers = {name: held for name, held in self._servers.items() if held.plugin.name not in broken}
        self._configs = {package: plugin for package, plugin in self._configs.items() if plugin.name not in broken}
        self._sets = {name: held for name, held in self._sets.items() if held.plugin.name not in broken}
        for name in broken:
            self.plugins.manager.unregister(name=name)

    def _has(self, cls: type[Component]) -> bool:
        entry = self._entries.get((cls.kind, cls.name))
        return entry is not None and entry.cls is cls

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
        self._settings[cls.name] = (cls, plugin)


def _collect(
    plugins: PluginSet, hook: str, broken: dict[str, Plugin], read: Callable[[Any], Sequence[Any]] = tuple
) -> Iterable[tuple[Plugin, Any]]:
    """Yield what plugins register by a hook, each with its plugin; one whose hook raises is added to `broken`."""
    implementations = getattr(plugins.manager.hook, hook).get_hookimpls()
    by_name = {impl.plugin_name: impl for impl in implementations}
    for plugin in plugins.plugins:
        if plugin.name not in by_name or plugin.name in broken:
            continue
        try:
            with redirect_stdout(sys.stderr):  # What a plugin prints is no data.
                registered = read(by_name[plugin.name].function())
        except Exception as error:  # noqa: BLE001  a plugin's hook may raise anything, and must not stop the others
            why = f"{hook}: {type(error).__name__}: {error}"
            broken[plugin.name] = skip(plugin, why, strict=plugins.strict, cause=error)
            continue
        yield from ((plugin, one) for one in registered)


def _items(registered: Mapping[Any, Any]) -> Sequence[Any]:
    return tuple(dict(registered).items())


def _texts(registered: Sequence[str]) -> Sequence[str]:
    if isinstance(registered, str) or not all(isinstance(package, str) for package in registered):
        raise TypeError(f"must return a list of importable packages, returned {registered!r}")
    return tuple(registered)


def load_registry() -> Registry:
    """Load every plugin and return the registry of their components."""
    from .loading import load_plugins

    return Registry(load_plugins())
