"""A channel for each URL that Apprise knows."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from types import ModuleType
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlsplit

from hookline import Secret
from hookline.errors import ConfigError, MissingBackend, Problem
from hookline.kinds.given.references import held_by
from hookline.kinds.hooks import Alert, Channel
from hookline.kinds.reports import Severity
from hookline.telling.secrets import redacted, redacted_tree

from .settings import AlertsSettings

if TYPE_CHECKING:
    from apprise import Apprise

TYPES: Mapping[Severity, str] = {"info": "success", "warning": "warning", "critical": "failure"}
"""What Apprise calls how bad it is: it chooses colors and signs by it."""
PLAIN = frozenset(
    (
        "json",
        "jsons",
        "xml",
        "xmls",
        "form",
        "forms",
        "mailto",
        "mailtos",
        "syslog",
        "rsyslog",
        "dbus",
        "gnome",
        "macosx",
    )
)
"""Schemes whose URLs need hold nothing secret; all others are made of tokens."""
NAME = re.compile(r"[a-z][a-z0-9_]*")


def channels_of(settings: AlertsSettings) -> dict[str, Channel]:
    """Return a channel for each URL by its name, or where it has none by its scheme and a digest.

    Raises ConfigError of every URL that is not known, or says a secret aloud; MissingBackend where Apprise is not installed.
    """
    apprise = _library()
    asset = apprise.AppriseAsset(app_id="hookline", app_desc="hookline")
    found, problems = dict[str, Channel](), list[Problem]()
    for place, name, url in _named(settings):
        fault = _fault(settings, place, url)
        with _quiet():
            sender = None if fault else apprise.Apprise.instantiate(url.reveal(), asset)
        if sender is None:
            told = fault or "is no URL that Apprise knows; `apprise --details` of its package lists them"
            problems.append(Problem(f"settings.alerts.urls.{place}", told))
        else:
            one = apprise.Apprise(asset=asset)
            one.add(sender)
            found[name] = _Delivery(one, settings.timeout)
    if problems:
        raise ConfigError("bad settings", problems)
    return found


def _library() -> ModuleType:
    """Import Apprise; raises MissingBackend where it is not installed."""
    try:
        with _quiet():
            import apprise
    except ImportError:
        raise MissingBackend("settings.alerts", "apprise", "alerts") from None
    return cast("ModuleType", apprise)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out that a part of the standard library goes with Python 3.13: a module that Apprise imports late imports it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


class _Delivery:
    """Delivers alerts to one URL."""

    def __init__(self, sender: Apprise, timeout: float) -> None:
        self._sender = sender
        self._timeout = timeout
        self._kind = ""
        """That of the last alert."""

    def __call__(self, alert: Alert) -> None:
        """Deliver one; raises ConnectionError with what Apprise says of it."""
        kind = TYPES[alert.severity]
        for one in self._sender:
            # Of a webhook (json, xml, form): what goes with title and message, unless the URL says it otherwise.
            extras = getattr(one, "payload_extras", None)
            if extras is not None and extras.get("kind", self._kind) == self._kind:
                extras["kind"] = self._kind = alert.kind
        result = self._sender.notify(alert.body, alert.title, kind, body_format="text", timeout=self._timeout)
        if not result:
            told = " ".join(dict.fromkeys(entry.message for entry in result.logs()))
            raise ConnectionError(redacted(told) or "it was not delivered, and nobody said why")


def _named(settings: AlertsSettings) -> Iterator[tuple[str | int, str, Secret]]:
    """Yield each URL with its key in config and the name of its channel."""
    if isinstance(settings.urls, Mapping):
        yield from ((name, name, url) for name, url in settings.urls.items())
        return
    for place, url in enumerate(settings.urls or ()):
        text = url.reveal()
        digest = blake2b(text.encode(), digest_size=4).hexdigest()
        scheme = re.sub(r"[^a-z0-9]", "_", text.partition("://")[0].lower())
        yield place, f"{scheme if NAME.fullmatch(scheme) else 'url'}_{digest}", url


def _fault(settings: AlertsSettings, place: str | int, url: Secret) -> str | None:
    """Say what is wrong with how a URL is written: with a secret in it that is not a reference, or under no name."""
    if isinstance(place, str) and not NAME.fullmatch(place):
        return "a channel is named in snake_case"
    if ("urls", place) in held_by(settings):
        return None
    text = url.reveal()
    said_aloud = text.partition("://")[0].lower() not in PLAIN or _holds_secret(text)
    return "says a secret aloud; put it into the environment, and write ${oc.env:NAME} here" if said_aloud else None


def _holds_secret(url: str) -> bool:
    parts = urlsplit(url)
    said = {key.lstrip("+-:"): value for key, value in parse_qsl(parts.query, keep_blank_values=True)}
    return bool(parts.password) or redacted_tree(said) != said
