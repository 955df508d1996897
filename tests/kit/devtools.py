"""A browser that tests lead from page to page over its debugging pipe: one process for many pages, of any width and theme."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kit.browser import chromium

SECONDS = 60
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe")


class Browser:
    """One tab of a browser."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._held = b""
        self._number = 0
        self._session: str | None = None
        self.console: list[str] = []
        """What pages complained of: errors of scripts, and what a policy refused."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return what it gives."""
        self._number += 1
        told: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            told["sessionId"] = self._session
        os.write(self._to, json.dumps(told).encode() + b"\0")
        while True:
            said = self._read()
            if said.get("id") == self._number:
                assert "error" not in said, said["error"]
                found: dict[str, Any] = said["result"]
                return found

    def look(self, width: int, *, height: int = 900, dark: bool = False) -> None:
        """Be a screen of some width, whose owner prefers a theme."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[theme])

    def open(self, url: str) -> None:
        """Open a page, and wait until it is whole."""
        self.ask("Page.navigate", url=url)
        self._wait_for("Page.loadEventFired")

    def run(self, code: str) -> Any:
        """Return what an expression gives on the page, as plain data; it may be a promise."""
        given = self.ask("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in given, given["exceptionDetails"]
        return given["result"].get("value")

    def press(self, code: str) -> None:
        """Do what leads to another page, and wait until that is whole."""
        self.run(code)
        self._wait_for("Page.loadEventFired")

    def key(self, name: str) -> None:
        """Press a key, such as Tab."""
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=9)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write a picture of the page."""
        path.write_bytes(b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))

    def _wait_for(self, event: str) -> None:
        while self._read().get("method") != event:
            pass

    def _read(self) -> dict[str, Any]:
        ends = time.monotonic() + SECONDS
        while b"\0" not in self._held:
            ready, _, _ = select.select([self._back], [], [], max(0.0, ends - time.monotonic()))
            assert ready, f"the browser said nothing for {SECONDS} s"
            more = os.read(self._back, 1 << 20)
            assert more, "the browser has ended"
            self._held += more
        line, _, self._held = self._held.partition(b"\0")
        said: dict[str, Any] = json.loads(line)
        self._note(said)
        return said

    def _note(self, said: dict[str, Any]) -> None:
        params = said.get("params", {})
        if said.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.console.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        if said.get("method") == "Runtime.exceptionThrown":
            self.console.append(str(params["exceptionDetails"]))


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """Give a browser for the time of a block. folder: an empty one, where it may write"""
    (to_read, to_write), (back_read, back_write) = os.pipe(), os.pipe()

    # The browser reads commands from descriptor 3, and writes answers to 4.
    script = f'exec "$0" "$@" 3<&{to_read} 4>&{back_write}'
    command = ["bash", "-c", script, chromium(), *OPTIONS, f"--user-data-dir={folder}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, pass_fds=(to_read, back_write), **quiet)  # type: ignore[call-overload]
    os.close(to_read)
    os.close(back_write)
    try:
        made = Browser(to_write, back_read)
        yield made
        made._session = None
        with suppress(AssertionError, OSError):
            made.ask("Browser.close")
    finally:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        os.close(to_write)
        os.close(back_read)
