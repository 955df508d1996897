"""Processes of their own: the `hookline` script, or code in a fresh interpreter."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

from hookline.errors import UnknownName

HOOKLINE = str(Path(sys.executable).with_name("hookline"))
Done = subprocess.CompletedProcess[str]


def run_command(command: Sequence[str], **options: Any) -> Done:
    """Run a command to its end and return what it said; `options` are those of `subprocess.run`."""
    return subprocess.run(command, **{"capture_output": True, "text": True, "check": False} | options)


def run_hookline(*argv: str | Path, **options: Any) -> Done:
    """Run the `hookline` script to its end."""
    return run_command([HOOKLINE, *map(str, argv)], **options)


def run_python(code: str, *argv: str | Path, **options: Any) -> Done:
    """Run code in a fresh interpreter to its end, which must be a good one unless `check=False`."""
    return run_command([sys.executable, "-c", code, *map(str, argv)], **{"check": True} | options)


def run_together(commands: Iterable[Sequence[str]], **options: Any) -> list[Done]:
    """Run commands at the same time, each to its end."""
    with ThreadPoolExecutor(64) as pool:
        return list(pool.map(lambda command: run_command(command, **{"timeout": 120} | options), commands))


def raise_unknown(what: str, name: str, *known: str) -> NoReturn:
    """Raise UnknownName, in whichever process this is called."""
    raise UnknownName(what, name, known)


def with_memory(command: Sequence[str], gib: int) -> list[str]:
    """Return a command that may hold no more memory of its own than a limit."""
    return ["sh", "-c", f'ulimit -d {gib * 1024**2} && exec "$0" "$@"', *command]


def lacks(message: str) -> NoReturn:
    """Leave out a test for what is not installed, which under CI is a failure."""
    pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def listening_at(command: Sequence[str], url: str, **options: Any) -> Iterator[None]:
    """Run a server of somebody else's until the block ends, from when `url` answers with 200; its children end with it."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **{**quiet, "start_new_session": True, **options}) as process:
        try:
            until = time.monotonic() + 120
            while not _answers(url):
                assert process.poll() is None, f"it ended with {process.returncode}"
                assert time.monotonic() < until, f"{url} does not answer"
                time.sleep(0.1)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def started(command: Sequence[str], seconds: float = 120, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a command, of which stderr is read, and wait for its end after the block; killed where it takes longer."""
    given = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True} | options
    process = subprocess.Popen(command, **given)
    watch = threading.Timer(seconds, process.kill)
    watch.start()
    try:
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
    finally:
        watch.cancel()


def heard(process: subprocess.Popen[str], word: str) -> str:
    """Return what a process says on stderr up to the line that holds a word; fails where it ends before that."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if word in line:
            return said
    pytest.fail(f"it ended before it said {word!r}: {said}")


def unprivileged() -> list[str]:
    """Return what stands before a command that is to be refused what a file's rights refuse, also where root runs the tests."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root is refused nothing, and there is no setpriv to take that away")
    return [setpriv, "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search"]
