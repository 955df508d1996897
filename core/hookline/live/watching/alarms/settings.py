"""Where alerts go by `settings.yaml` in the home."""

from __future__ import annotations

from pathlib import Path

from hookline.kinds.hooks import Channel
from hookline.plans.config import settings_at
from hookline.registry.named import channels
from hookline.registry.registry import Registry


def channels_at(registry: Registry, home: Path) -> dict[str, Channel]:
    """Return where alerts go, by name; raises ConfigError, and MissingBackend where a library is missing."""
    return channels(registry.plugins, settings_at(registry, home))
