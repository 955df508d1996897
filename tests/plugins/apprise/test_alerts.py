"""Alerts through Apprise: to a real webhook and a real mail server, with secrets that nobody sees."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from hookline.errors import ConfigError
from hookline.kinds.hooks import Alert
from hookline.kinds.plain import plain
from hookline.live.watching.alarms.settings import channels_at
from hookline.plans.config import settings_at
from hookline.registry.registry import Registry
from hookline.telling.secrets import redacted
from kit.webhook import Webhook

pytest.importorskip("apprise", reason="pip install 'hookline[alerts]'")
ALERT = Alert(
    "7f3a", "shop", "critical", "shop:1: 1 alarm (critical): size", "new, critical: 'size' has moved\nid: 7f3a"
)


def settings(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "settings.yaml").write_text(f"alerts:\n{text}")
    return home


@dataclass
class Mail:
    """What a mail server was given."""

    port: int
    letters: list[Any] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a letter."""
        self.letters.append(
            (envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default))
        )
        return "250 taken"


@pytest.fixture
def mail() -> Iterator[Mail]:
    """A mail server on a port of its own."""
    controller = pytest.importorskip("aiosmtpd.controller", reason="pip install 'hookline[dev]'")
    with socket.create_server(("127.0.0.1", 0)) as free:
        handler = Mail(free.getsockname()[1])
    server = controller.Controller(handler, hostname="127.0.0.1", port=handler.port)
    server.start()
    yield handler
    server.stop()


def test_an_alert_is_posted_to_a_webhook(registry: Registry, tmp_path: Path) -> None:
    with Webhook() as hook:
        channels = channels_at(registry, settings(tmp_path / "home", f"  urls: [{hook.url}]\n"))
        [(name, deliver)] = channels.items()
        deliver(ALERT)
    assert name.startswith("json_")
    [body] = hook.bodies
    assert (body["title"], body["message"], body["type"]) == (ALERT.title, ALERT.body, "failure")


def test_a_webhook_is_told_the_kind_unless_its_url_says_it_otherwise(registry: Registry, tmp_path: Path) -> None:
    with Webhook() as hook:
        urls = f"  urls: {{ours: {hook.url}, theirs: '{hook.url}?:kind=page'}}\n"
        channels = channels_at(registry, settings(tmp_path / "home", urls))
        for name in ("ours", "theirs"):
            for kind in ("drift", "service", ""):
                channels[name](replace(ALERT, kind=kind))
    assert [body["kind"] for body in hook.bodies] == ["drift", "service", "", "page", "page", "page"]


def test_an_alert_is_a_letter_to_a_mail_server(registry: Registry, tmp_path: Path, mail: Mail) -> None:
    url = f"mailto://127.0.0.1:{mail.port}?from=watch@example.org&to=ada@example.org&mode=insecure"
    channels = channels_at(registry, settings(tmp_path / "home", f"  urls: {{ada: '{url}'}}\n"))
    channels["ada"](ALERT)
    [(to, letter)] = mail.letters
    assert (letter["From"], letter["X-Application"]) == ("watch@example.org", "hookline")
    assert (to, letter["Subject"]) == (["ada@example.org"], ALERT.title)
    assert "'size' has moved" in letter.get_body(("plain", "html")).get_content()
    assert "id: 7f3a" in letter.get_body(("plain", "html")).get_content()


def test_a_delivery_that_fails_says_why(registry: Registry, tmp_path: Path) -> None:
    with Webhook(failures=-1) as hook:
        channels = channels_at(registry, settings(tmp_path / "home", f"  urls: {{ops: '{hook.url}'}}\n"))
        with pytest.raises(ConnectionError, match="(?i)internal server error"):
            channels["ops"](ALERT)
    with pytest.raises(ConnectionError, match="(?i)connection error"):
        channels["ops"](ALERT)


def test_secrets_stand_in_the_environment_and_are_shown_nowhere(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_URL", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/ops")
    monkeypatch.setenv("HOOK_PASSWORD", "correct-horse-battery")
    home = settings(
        tmp_path / "home",
        "  urls:\n    slack: ${oc.env:SLACK_URL}\n    hook: json://me:${oc.env:HOOK_PASSWORD}@127.0.0.1/\n",
    )
    found = settings_at(registry, home)["alerts"]
    assert plain(found)["urls"] == {
        "slack": "${oc.env:SLACK_URL}",
        "hook": "json://me:${oc.env:HOOK_PASSWORD}@127.0.0.1/",
    }
    assert sorted(channels_at(registry, home)) == ["hook", "slack"]
    for text in (repr(found), redacted("to slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/ops")):
        assert "TIiajkdnlazkcOXrIdevi7FQ" not in text
        assert "correct-horse-battery" not in text


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "says a secret aloud"),
        ("json://me:hunter222@127.0.0.1/", "says a secret aloud"),
        ("json://127.0.0.1/?+Authorization=Bearer-12345678", "says a secret aloud"),
        ("json://", "is no URL that Apprise knows"),
        ("${oc.env:NOT_THERE}", "Environment variable 'NOT_THERE' not found"),
    ],
)
def test_a_url_that_is_wrong_or_says_a_secret_is_refused_by_its_place(
    url: str, told: str, registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        channels_at(registry, settings(tmp_path / "home", f"  urls:\n    - '{url}'\n"))
    assert f"settings.alerts.urls.0: {told}" in str(caught.value)
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in str(caught.value)
    assert "hunter222" not in str(caught.value)


def test_without_settings_there_is_no_channel(registry: Registry, tmp_path: Path) -> None:
    assert channels_at(registry, tmp_path) == {}
    assert channels_at(registry, settings(tmp_path / "home", "  urls: []\n")) == {}
