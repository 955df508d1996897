"""Alerts through Apprise: e-mail, Slack, Teams, PagerDuty, webhooks and a hundred more, each as one URL."""

from __future__ import annotations

from collections.abc import Mapping

from hookline import Settings, hookimpl
from hookline.kinds.hooks import Channel

from .settings import AlertsSettings

__all__ = ["AlertsSettings"]


@hookimpl
def register_settings() -> list[type[Settings]]:
    """Return the settings."""
    return [AlertsSettings]


@hookimpl
def alert_channels(settings: Mapping[str, Settings]) -> Mapping[str, Channel]:
    """Return a channel for each URL; raises ConfigError for one that Apprise does not know, MissingBackend without it."""
    said = settings.get("alerts")
    if not isinstance(said, AlertsSettings) or not said.urls:
        return {}
    from .channels import channels_of

    return channels_of(said)
