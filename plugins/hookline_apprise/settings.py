"""Where alerts go."""

from __future__ import annotations

from collections.abc import Mapping

from hookline import Secret, Settings


class AlertsSettings(Settings):
    """Where alerts of models that are watched go; nowhere unless `settings.alerts.urls` says so."""

    name = "alerts"
    urls: Mapping[str, Secret] | tuple[Secret, ...] | None = None
    """Apprise's URLs, a list or by name, such as `mailtos://smtp.example.org?to=ada@example.org`; what is secret in them stands
    in the environment: `${oc.env:SLACK_URL}`."""
    timeout: float = 30.0
    """Seconds after which a delivery has failed; it is tried again later."""
