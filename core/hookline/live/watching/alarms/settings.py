"""What plugins are set to where no run's config says so: `settings.yaml` in the home."""

from __future__ import annotations

from pathlib import Path

from hookline.kinds.component import Settings
from hookline.kinds.hooks import Channel
from hookline.plans.config import settings_in
from hookline.registry.named import channels
from hookline.registry.registry import Registry
from hookline.workspace.yaml_size import read_tree

FILE = "settings.yaml"
OF_CORE = ("retrain",)
"""Sections that are no plugin's."""
SUCH = "alerts: {urls: [...]}"


def settings_at(registry: Registry, home: Path) -> dict[str, Settings]:
    """Return the settings of all plugins by name, as the home's file says; raises ConfigError with every problem."""
    path = home / FILE
    tree = read_tree(path, SUCH) if path.exists() else {}
    return settings_in(registry, {name: said for name, said in tree.items() if name not in OF_CORE})


def channels_at(registry: Registry, home: Path) -> dict[str, Channel]:
    """Return where alerts go by the same file, by name; raises ConfigError, and MissingBackend where a library is missing."""
    return channels(registry.plugins, settings_at(registry, home))
