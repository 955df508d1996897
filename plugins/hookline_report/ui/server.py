"""Serves the pages: binds first, says where and who may act, and ends at Ctrl-C or SIGTERM as it should."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress

from hookline.kinds.hooks import PageOptions
from hookline.live.serving.listening import bind
from hookline.live.serving.tokens import Tokens
from hookline.workspace.processes.owners import person

from ..vega import drawn
from .app import app_of
from .desk import Desk
from .sessions import Sessions

LOOPBACK = ("127.", "::1")
"""What addresses that only this machine can reach begin with."""
DRAIN_SECONDS = 3


def serve(options: PageOptions) -> None:
    """Serve pages until interrupted or terminated; raises UsageError where the address or the tokens cannot be had."""
    tokens, made = (Tokens.read(options.token_file), None) if options.token_file else Tokens.made()
    listening = bind(options.host, options.port)
    host, port = listening.getsockname()[:2]
    local = host.startswith(LOOPBACK)
    desk = Desk(
        options.home,
        tokens,
        Sessions(tokens, f"hookline_{port}", person() if local else ""),
        is_open=local and options.token_file is None,
        hosts=frozenset({"127.0.0.1", "localhost", "[::1]", _named(host), _named(options.host)}) if local else None,
    )
    threading.Thread(target=_warm, name="charts", daemon=True).start()
    # An interruption is how it is meant to end, also one that comes as soon as somebody has read where it answers.
    with suppress(KeyboardInterrupt):
        _announce(f"http://{_named(host)}:{port}", made, local=local, options=options)
        _run(desk, listening)


def _run(desk: Desk, listening: object) -> None:
    import uvicorn

    config = uvicorn.Config(
        app_of(desk),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])  # type: ignore[list-item]  # a socket, which only this module need know


def _announce(url: str, token: str | None, *, local: bool, options: PageOptions) -> None:
    said = f"hookline answers at {url}\n"
    if token is not None:
        what = "actions ask for" if local else "each page asks for"
        said += f"{what} this token: {token}\n"
    if not local:
        said += "warning: pages and tokens travel unencrypted; put a proxy with TLS in front, or an SSH tunnel\n"
    if options.token_file is not None and options.token_file.stat().st_mode & 0o004:
        said += f"warning: everybody on this machine can read {options.token_file}; chmod 600 keeps it to you\n"
    sys.stderr.write(said)
    sys.stderr.flush()


def _named(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _warm() -> None:
    """Start what draws, so that nobody waits for it: the first chart takes a second or two."""
    with suppress(Exception):  # Where it cannot be drawn, the page says so when it is asked for.
        drawn({"data": {"values": []}, "mark": "line"}, {})
