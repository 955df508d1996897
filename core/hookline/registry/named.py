"""Functions that plugins register by a name, which belongs to one plugin: pages, scorers of tables, channels of alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from hookline.errors import PluginError, UsageError
from hookline.kinds.component import Settings
from hookline.kinds.features.online import OpenFeatures
from hookline.kinds.features.sets import FeatureSet
from hookline.kinds.hooks import Channel, PageServer, Scorer
from hookline.kinds.tracking.tracker import OpenTracker, Tracker

from .contract import NAME
from .loading import Plugin, PluginSet

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Named(Generic[F]):
    """A function and the plugin that brought it."""

    act: F
    plugin: Plugin


Page = Named[Callable[[Mapping[str, Any], Path], None]]
"""Writes a page from plain data."""
Scores = Named[Scorer]
"""Has a table's chunks answered."""
Shows = Named[PageServer]
"""Serves the pages of a home."""

Opened = Named[Channel]
"""Delivers alerts."""
Opens = Named[OpenTracker]
"""Opens a tracker."""
Keeps = Named[OpenFeatures]
"""Opens an online store."""


class FeatureSetOf(NamedTuple):
    """A feature set and the plugin that defines it."""

    declared: FeatureSet
    plugin: Plugin


class What(NamedTuple):
    """What such functions are."""

    word: str
    takes: str
    hook: str


PAGE = What("page", "(data, path)", "register_pages")
SERVER = What("page server", "(options)", "register_page_servers")
SCORER = What("scorer", "(make, chunks)", "register_scorers")
CHANNEL = What("channel", "(alert)", "alert_channels")
TRACKER = What("tracker", "(settings, home)", "register_trackers")
ONLINE_STORE = What("online store", "(url)", "register_online_stores")


def channels(plugins: PluginSet, settings: Mapping[str, Settings]) -> dict[str, Channel]:
    """Return where alerts go as settings say, by name; raises what a plugin raises, such as ConfigError or MissingBackend."""
    hook, found = plugins.manager.hook.alert_channels, dict[str, Opened]()
    by_name = {impl.plugin_name: impl for impl in hook.get_hookimpls()}
    for plugin in plugins.plugins:
        if plugin.name in by_name:
            opened: Any = by_name[plugin.name].function(settings=settings)
            for name, deliver in dict(opened).items():
                add(found, CHANNEL, name, Opened(deliver, plugin))
    return {name: channel.act for name, channel in found.items()}


def trackers(plugins: PluginSet, settings: Mapping[str, Settings], home: Path) -> dict[str, Tracker]:
    """Return the trackers that settings name, by name; raises what a plugin raises, such as MissingBackend."""
    hook, found = plugins.manager.hook.register_trackers, dict[str, Opens]()
    by_name = {impl.plugin_name: impl for impl in hook.get_hookimpls()}
    for plugin in plugins.plugins:
        if plugin.name in by_name:
            registered: Any = by_name[plugin.name].function()
            for name, open_one in dict(registered).items():
                add(found, TRACKER, name, Opens(open_one, plugin))
    opened = {name: one.act(settings, home) for name, one in found.items()}
    return {name: tracker for name, tracker in opened.items() if tracker is not None}


def online_store(plugins: PluginSet, scheme: str) -> OpenFeatures:
    """Return what opens the online stores of a URL's scheme; raises UsageError where no plugin does."""
    hook, found = plugins.manager.hook.register_online_stores, dict[str, Keeps]()
    by_name = {impl.plugin_name: impl for impl in hook.get_hookimpls()}
    for plugin in plugins.plugins:
        if plugin.name in by_name:
            registered: Any = by_name[plugin.name].function()
            for name, open_one in dict(registered).items():
                add(found, ONLINE_STORE, name, Keeps(open_one, plugin))
    if scheme not in found:
        known = " or ".join(f"{name}://" for name in sorted(found)) or "none: no plugin brings a store"
        raise UsageError(f"HOOKLINE_ONLINE_STORE begins with {scheme}://", hint=f"there is {known}")
    return found[scheme].act


def add(held: dict[str, Named[F]], what: What, name: Any, new: Named[F]) -> None:
    """Add a plugin's function to those there are; raises PluginError where it is none, or its name is taken."""
    word, plugin = what.word, new.plugin
    if not (isinstance(name, str) and NAME.fullmatch(name) and callable(new.act)):
        told = f"name {word}s in snake_case, each with a function {what.takes}"
        raise PluginError(plugin.name, f"{what.hook} returned {name!r}: {new.act!r}", hint=told)
    if name in held:
        other = held[name].plugin
        raise PluginError(
            plugin.name,
            f"{word} '{name}' ({plugin.label}) is already taken by plugin '{other.name}' ({other.label})",
            hint=f"rename the {word}, or set HOOKLINE_DISABLE={other.name}",
        )
    held[name] = new


def add_set(held: dict[str, FeatureSetOf], declared: Any, plugin: Plugin) -> None:
    """Add a plugin's feature set to those there are; raises PluginError where it is none, or its name is taken."""
    if not isinstance(declared, FeatureSet) or not NAME.fullmatch(str(declared.name)):
        told = "return objects of hookline.FeatureSet, each with a name in snake_case"
        raise PluginError(plugin.name, f"register_feature_sets returned {declared!r}", hint=told)
    if declared.name in held:
        other = held[declared.name].plugin
        raise PluginError(
            plugin.name,
            f"feature set '{declared.name}' ({plugin.label}) is already taken by plugin '{other.name}' ({other.label})",
            hint=f"rename the set, or set HOOKLINE_DISABLE={other.name}",
        )
    held[declared.name] = FeatureSetOf(declared, plugin)
