"""A process that sends alerts, killed at random moments: each alert arrives at a real webhook, in order, and none is lost."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hookline.workspace.catalog.watching.outbox import Letter
from hookline.workspace.workspace import open_workspace
from kit.processes import run_python
from kit.webhook import Webhook

pytest.importorskip("apprise")
# `all`: until everything is there; otherwise until it is killed.
SENDS = """
import sys, time
from hookline.live.watching.alarms.sending import Sender
from hookline.live.watching.alarms.settings import channels_at
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace

workspace = open_workspace(sys.argv[1])
sender = Sender(workspace, "shop", channels_at(load_registry(), workspace.home))
print("begins", flush=True)
while workspace.catalog.outbox.waiting("shop"):
    sender.look()
    time.sleep(0.01)
"""


def test_a_sender_that_is_killed_at_random_moments_loses_no_alert_and_keeps_their_order(
    tmp_path: Path, long: bool
) -> None:
    rng, count, kills = random.Random(12), 12, 10 if long else 1
    with Webhook(delay=0.03) as hook:
        catalog = open_workspace(tmp_path).catalog
        (tmp_path / "settings.yaml").write_text(f'alerts: {{urls: {{hook: "{hook.url}"}}}}', "utf-8")
        letters = [Letter("shop", f"m{n:02}", "hook", "warning", f"title {n:02}", "body") for n in range(count)]
        with catalog.database.writing() as connection:
            catalog.outbox.add(connection, letters, catalog.database.clock())
        for _ in range(kills):
            with subprocess.Popen([sys.executable, "-c", SENDS, str(tmp_path)], stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == b"begins\n"
                time.sleep(rng.uniform(0.0, 0.15))
                process.send_signal(signal.SIGKILL)
        run_python(SENDS, tmp_path, timeout=60)
        told = [body["title"] for body in hook.bodies]
    assert [*dict.fromkeys(told)] == [f"title {n:02}" for n in range(count)]
    assert len(told) <= count + kills
    assert all(letter.sent for letter in catalog.outbox.of("shop"))
