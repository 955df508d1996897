"""A plugin by its name, and what it brings."""

from __future__ import annotations

from hookline.errors import UnknownName
from hookline.kinds.kinds import KINDS
from hookline.registry.loading import Plugin
from hookline.registry.registry import Registry


def find_plugin(registry: Registry, name: str) -> Plugin:
    """Return a plugin by its name, module or distribution; raises UnknownName with the closest match."""
    plugins = registry.plugins.plugins
    for plugin in plugins:
        if name in (plugin.name, plugin.module) or (name == plugin.distribution and plugin.origin != "built-in"):
            return plugin
    raise UnknownName("plugin", name, [plugin.name for plugin in plugins])


def components_of(registry: Registry, plugin: Plugin) -> list[tuple[str, str]]:
    """Return (kind, name) of each component that a plugin brings."""
    return [
        (kind, name)
        for kind in KINDS
        for name in registry.names(kind)
        if registry.entry(kind, name).plugin.name == plugin.name
    ]
