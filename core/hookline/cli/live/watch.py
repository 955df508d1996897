"""`hookline monitor watch`: goes on looking at a model's log and, where it is asked to, has a process beside it retrain."""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from hookline.live.log.times import span_of
from hookline.live.watching.plain import plain_alarm, plain_window
from hookline.live.watching.rules import WatchRules
from hookline.live.watching.watcher import Looked
from hookline.live.watching.watching import watch
from hookline.workspace.home import home

from ..options import fields_of, positive
from ..output import add_json, print_json, say, tell

SPANS = {
    "every": ("1h", "how long a window is"),
    "grace": ("1m", "how long after its end a window is looked at, so that its answers are on record"),
    "again": ("7d", "tell an alarm once more after so long"),
    "labels": ("15m", "look at labels that came at most so often"),
    "keep": ("400d", "forget what is over for so long, 31d or more"),
}
COUNTS = {
    "least": "answers of a window, else it runs on",
    "persist": "windows in a row before something is an alarm, or over",
    "catch_up": "windows to look at after nobody watched, the newest",
}
AGAIN_SECONDS = 60.0
"""How long to wait before the process that retrains is begun again, where it ended."""


def add(actions: Any, model: str) -> None:
    """Add the action to those of `hookline monitor`; model: what its first word is, for people."""
    rules = WatchRules()
    options = actions.add_parser("watch", help="look at the log window by window, and tell alarms, until stopped")
    options.add_argument("model", help=model)
    options.add_argument("--once", action="store_true", help="look once, send what waits, and end: for a timer")
    for name, (usual, text) in SPANS.items():
        options.add_argument(f"--{name}", default=usual, help=f"{text} (default: {usual})")
    for name, text in COUNTS.items():
        usual = getattr(rules, name)
        flag = f"--{name.replace('_', '-')}"
        options.add_argument(flag, type=positive, default=usual, help=f"{text} (default: {usual})")
    options.add_argument(
        "--monitor", action="append", help="which monitor (repeat; default: those that the model was trained with)"
    )
    options.add_argument(
        "--set", action="append", default=[], metavar="MONITOR.FIELD=VALUE", help="a field of a named monitor (repeat)"
    )
    options.add_argument(
        "--retrain",
        action="store_true",
        help="also retrain the model where the section `retrain` of settings.yaml says so, in a process beside",
    )
    options.add_argument("--look", default="1m", help="with --retrain, how often that one looks (default: 1m)")
    add_json(options)


def main(given: argparse.Namespace) -> int:
    """Look once, or until stopped."""
    spans: dict[str, Any] = {name: span_of(getattr(given, name), f"--{name}") for name in SPANS}
    counts: dict[str, Any] = {name: getattr(given, name) for name in COUNTS}
    rules = WatchRules(**spans, **counts)
    # What the process beside would refuse is refused here.
    span_of(given.look, "--look")
    chosen = given.monitor or []
    fields = fields_of(given.set, chosen)
    monitors = {name: fields.get(name, {}) for name in chosen} if chosen else None
    if not given.once:
        say(f"watching '{given.model}' in windows of {given.every}; stop with Ctrl-C")
    is_beside = given.retrain and not given.once
    more = ["--look", given.look, *["--json"] * given.json]
    with retraining(given.model, more) if is_beside else nullcontext():
        look = _tell_json if given.json else partial(_tell_once, given) if given.once else _tell
        watch(given.model, monitors, rules=rules, once=given.once, tell=look)
    if not given.retrain:
        return 0
    # Whoever only watches needs nothing of what trains.
    from .retrain import main as retrain

    return retrain(["watch", given.model, "--once", *["--json"] * given.json])


@contextmanager
def retraining(model: str, more: Sequence[str] = ()) -> Iterator[None]:
    """Have a process beside this one carry retrainings of a model on, for the time of this block.

    A training must neither hold up a watch nor take its memory. It is begun again where it ends. Where this process is killed
    it goes on, and its successor stands by.
    more: options of `hookline retrain watch`
    Raises UnknownName for what is no model, and ConfigError for wrong rules.
    """
    from hookline.live.deploying.naming import workspace_of
    from hookline.live.learning.settings import rules_for

    workspace_of(model, None)
    rules_for(model, home())
    code = "from hookline.cli import main; raise SystemExit(main())"
    beside = _Beside([sys.executable, "-P", "-c", code, "retrain", "watch", model, *more])
    beside.start()
    try:
        yield
    finally:
        beside.end()


class _Beside(threading.Thread):
    """Keeps a process going beside this one."""

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self._command = command
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Start the process, and again where it ends."""
        while True:
            with self._lock:
                if self._ended.is_set():
                    return
                self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)  # noqa: S603  our own command
            code = self._process.wait()
            if not self._ended.is_set():
                say(f"the process that retrains ended with {code}; it is begun again in {AGAIN_SECONDS:.0f} s")
            if self._ended.wait(AGAIN_SECONDS):
                return

    def end(self) -> None:
        """End the process, and wait for it."""
        self._ended.set()
        with self._lock:
            if self._process is not None:
                self._process.terminate()
        self.join()


def _tell_once(given: argparse.Namespace, looked: Looked) -> None:
    """Tell what one look came to, also where that is nothing."""
    _tell(looked)
    if not (looked.windows or looked.skipped or looked.changes):
        say(
            f"nothing to look at: no window of {given.every} with {given.least:,} answers has ended since the last look"
        )


def _tell(looked: Looked) -> None:
    for version, count in looked.skipped.items():
        say(f"version {version}: {count} windows are left out, since nobody watched for too long")
    for window in looked.windows:
        worst = sorted({finding.subject for finding in window.findings if finding.severity != "info"})
        found = f"found {', '.join(worst)}" if worst else "nothing to report"
        until = "%H:%M:%S" if window.since.second or window.until.second else "%H:%M"
        span = f"{window.since:%Y-%m-%d {until}} to {window.until:{until}}"
        tell(f"{span}  :{window.version}  {window.monitor}: {window.rows:,} answers, {found}", flush=True)
    for change in looked.changes:
        if change.what is not None:
            alarm = change.alarm
            tell(f"alarm {alarm.number} {change.what}, {alarm.finding.severity}: {alarm.finding.message}", flush=True)


def _tell_json(looked: Looked) -> None:
    print_json(
        {
            "windows": [plain_window(one) for one in looked.windows],
            "alarms": [{"what": one.what, "told": one.is_told, **plain_alarm(one.alarm)} for one in looked.changes],
            "skipped": {str(version): count for version, count in looked.skipped.items()},
        }
    )
