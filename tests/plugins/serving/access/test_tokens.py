"""Who is let in: whoever has a token of the file, as it reads at that moment."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from hookline.errors import UsageError
from hookline.live.serving import tokens as module
from hookline.live.serving.tokens import Tokens
from hookline.telling.secrets import redacted
from hookline_serving.http.access.tls import access_of, warn_of_access
from hookline_serving.http.access.tokens import OPEN, guarded
from kit.serving import asking

# The same in every process that collects tests, since they stand in the names of these.
ONE, OTHER = "6df6b4db25c9183bbc32a55b2236ac42" * 2, "nT-8yq_Lx0Vd3fRk9sWbZcQ1mJhU7gAe"
Ask = Callable[..., httpx.Response]


async def anything(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"path": scope["path"]})(scope, receive, send)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(f"# of the shop\n{ONE}\n\n  {OTHER}  \n")
    path.chmod(0o600)
    return path


@pytest.fixture
def ask(file: Path) -> Iterator[Ask]:
    with asking(guarded(anything, Tokens.read(file))) as asked:
        yield asked


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_each_token_of_the_file_opens_every_path(ask: Ask) -> None:
    for token in (ONE, OTHER):
        answers = [ask("GET", path, headers=bearing(token)) for path in ("/", "/predict", "/docs", "/nowhere")]
        assert [answer.status_code for answer in answers] == [200] * 4
    assert ask("GET", "/", headers={"authorization": f"bearer   {ONE}"}).status_code == 200


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", f"Basic {ONE}", ONE, f"Bearer {ONE}x", f"Bearer {ONE[:-1]}", f"Bearer {ONE} {ONE}",
     "Bearer #", "Bearer \xff"],
)  # fmt: skip
def test_nobody_else_is_let_in(ask: Ask, given: str | None) -> None:
    headers = [] if given is None else [(b"authorization", given.encode("latin-1"))]
    for path in ("/", "/predict", "/v2/models/churn/infer", "/health/", "/HEALTH", "/metrics/x", "//health"):
        answer = ask("POST", path, headers=headers)
        assert answer.status_code == 401
        assert set(answer.json()) == {"error"}
        assert answer.headers["www-authenticate"].startswith('Bearer realm="hookline"')


def test_two_tokens_are_none(ask: Ask) -> None:
    twice = [(b"authorization", f"Bearer {one}".encode()) for one in (ONE, "x" * 20)]
    assert ask("GET", "/", headers=twice).status_code == 401


def test_whoever_only_watches_needs_no_token(ask: Ask) -> None:
    assert sorted(OPEN) == ["/health", "/metrics", "/ready", "/v2/health/live", "/v2/health/ready"]
    assert [ask("GET", path).status_code for path in sorted(OPEN)] == [200] * len(OPEN)


def test_a_file_that_changes_is_read_again(ask: Ask, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    new = secrets.token_hex(32)
    file.write_text(f"{new}\n")
    assert [ask("GET", "/", headers=bearing(token)).status_code for token in (ONE, OTHER, new)] == [401, 401, 200]
    replacing = file.with_name("beside")
    replacing.write_text(f"{ONE}\n")
    replacing.replace(file)
    assert [ask("GET", "/", headers=bearing(token)).status_code for token in (ONE, new)] == [200, 401]
    file.write_text("# nobody\n")
    assert ask("GET", "/", headers=bearing(ONE)).status_code == 401


@pytest.mark.parametrize("broken", [None, "short\n", "two words in a line\n", "\xff" * 20])
def test_a_file_that_cannot_be_read_again_leaves_the_tokens_and_says_so_once(
    ask: Ask, file: Path, broken: str | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    if broken is None:
        file.unlink()
    else:
        file.write_text(broken, "latin-1")
    assert [ask("GET", "/", headers=bearing(ONE)).status_code for _ in range(3)] == [200] * 3
    assert caplog.text.count("those read before stay") == 1


def test_no_token_is_ever_shown(
    ask: Ask, file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    caplog.set_level(logging.DEBUG)
    good = file.with_name("good")
    good.write_text(ONE)
    file.write_text(f"{ONE}\nno token {OTHER}\n")
    told = ask("GET", "/", headers=bearing("y" * 40)).text
    assert ONE not in caplog.text + told + repr(Tokens.read(good))
    assert OTHER not in caplog.text
    assert redacted(f"a line with {ONE}") == "a line with ***"


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "holds no token"), ("# none\n\n", "holds no token"), ("hunter2\n", "line 1 is shorter than 16 letters"),
     (f"{ONE}\nmy own secret token\n", "line 2 is no token"), (f"{ONE}\n" * 1_100, "larger than 64 KiB")],
)  # fmt: skip
def test_a_file_that_is_no_good_is_refused_at_the_start(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        Tokens.read(file)
    assert "openssl rand -hex 32" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        Tokens.read(tmp_path / "none")


def test_it_is_said_who_else_can_ask_or_read_the_tokens(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    access = access_of(file, None, None)
    for host in ("127.0.0.1", "::1", "127.8.8.8"):
        warn_of_access(access, host)
        warn_of_access(access_of(None, None, None), host)
    assert capsys.readouterr().err == ""
    warn_of_access(access_of(None, None, None), "0.0.0.0")
    assert capsys.readouterr().err == "warning: whoever reaches 0.0.0.0 is answered; --token-file asks for a token\n"
    file.chmod(0o644)
    warn_of_access(access, "0.0.0.0")
    readable, plain = capsys.readouterr().err.splitlines()
    assert readable == f"warning: everybody on this machine can read {file}; chmod 600 {file} keeps it to you"
    assert plain == "warning: tokens travel unencrypted; --tls-cert and --tls-key encrypt them"


def test_without_a_file_nothing_stands_before_the_application() -> None:
    app: ASGIApp = anything
    assert guarded(app, None) is app


def test_a_body_that_is_refused_is_not_waited_for(file: Path) -> None:
    """Whoever has no token cannot have the server read anything."""
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        raise AssertionError("the body is read")

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/predict", "method": "POST", "headers": []}
    asyncio.run(guarded(anything, Tokens.read(file))(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 401
    assert json.loads(sent[1]["body"]) == {"error": "send a token: `Authorization: Bearer ...`"}  # type: ignore[arg-type]
