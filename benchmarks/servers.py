"""A server in processes of its own: begun as its words say, asked until it answers, and ended with all that comes of it."""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

sys.path.append(str(Path(__file__).parent / "peers"))

from run import environment

Rows = list[dict[str, Any]]
MEMORY = 4 * 2**30
"""Bytes that a process may hold."""
START_SECONDS, STOP_SECONDS = 300, 15
REFUSALS = (400, 415, 422)
"""Statuses that no waiting changes."""


@dataclass(frozen=True)
class Server:
    """How a server is begun and asked. Words name `{port}`, and `{folder}`, which is its own; programs are of its environment."""

    command: Sequence[str]
    path: str = "predict"
    body: Callable[[Rows], Any] = lambda rows: {"rows": rows}
    answers: Callable[[Any], Any] = lambda found: found
    """Takes what is answered, and returns the probabilities of each row."""
    setup: Sequence[str] = ()
    """What comes once before it is begun."""
    env: Mapping[str, str] | None = None


@dataclass
class Asked:
    """A server that answers, and what it is asked with."""

    url: str
    bodies: Mapping[int, bytes]
    """Rows a request -> the request."""
    answers: list[list[float]]
    """The probabilities of each row."""
    processes: Sequence[psutil.Process]

    def processor_seconds(self) -> float:
        """Return what all its processes together have taken so far, and the system for them."""
        times = [one.cpu_times() for one in self.processes if one.is_running()]
        return sum(time.user + time.system for time in times)


@contextmanager
def served(
    server: Server,
    place: Path,
    env: Mapping[str, str],
    asked: Rows,
    sizes: Sequence[int],
    programs: Path | None = None,
) -> Iterator[Asked]:
    """Run a server in a folder for the time of a block; all its processes are gone afterwards.

    Raises RuntimeError with the end of what it printed where it does not answer. asked: rows for its first answer.
    sizes: rows of the requests that are made ready. programs: where its programs lie
    """
    begun: list[psutil.Popen] = []
    port = _free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, tempfile.TemporaryFile() as output:
        folder = Path(name)
        told = {key: value.format(folder=folder) for key, value in (server.env or {}).items()}
        full = environment(folder, {**env, **told, "ORT_DISABLE_TELEMETRY": "1"}, programs)

        def begin(words: Sequence[str]) -> psutil.Popen:
            program, *rest = (word.format(port=port, folder=folder) for word in words)
            path = str(programs / program) if programs else program
            into = {"stdout": output, "stderr": subprocess.STDOUT}
            begun.append(psutil.Popen([path, *rest], cwd=place, env=full, **into, **APART))
            return begun[-1]

        try:
            if server.setup and begin(server.setup).wait():
                raise RuntimeError("could not be set up")
            process = begin(server.command)
            url = f"http://127.0.0.1:{port}/{server.path}"
            answers = server.answers(_first_answer(process, url, _body(server, asked)))
            bodies = {many: _body(server, asked[:many]) for many in sizes}
            yield Asked(url, bodies, answers, [*_family(folder)])
        except RuntimeError as error:
            # Where it runs beside another, that one has told what ailed it.
            if not hasattr(error, "__notes__"):
                error.add_note(_end_of(output))
            raise
        finally:
            _end(begun, folder)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def _body(server: Server, rows: Rows) -> bytes:
    return json.dumps(server.body(rows)).encode()


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


APART = {"start_new_session": True, "preexec_fn": _bounded}
"""How each is begun: out of reach of the terminal's signals, since whoever began it ends it."""


def _first_answer(process: psutil.Popen, url: str, body: bytes) -> Any:
    """Ask until there is an answer; raises RuntimeError."""
    until, why = time.monotonic() + START_SECONDS, "nobody listens"
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            why = f"{error.code} {error.read().decode(errors='replace')[:500]}"
            if error.code in REFUSALS:
                raise RuntimeError(why) from None
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"no answer within {START_SECONDS} s, {why}")


def _end_of(output: Any) -> str:
    output.seek(0)
    return str(output.read().decode(errors="replace")[-2000:])


def _family(folder: Path) -> set[psutil.Process]:
    """Return the processes that have this folder in their environment, and all that come of them."""
    found = set()
    for one in psutil.process_iter():
        try:
            if one.environ().get("TMPDIR") == str(folder):
                found |= {one, *one.children(recursive=True)}
        except psutil.Error:
            continue
    return found


def _end(begun: Sequence[psutil.Popen], folder: Path) -> None:
    """End a server's processes: as it likes first, and then at once."""
    family = _family(folder)
    try:
        for one in begun:
            if one.poll() is None:
                one.terminate()
        psutil.wait_procs(family, STOP_SECONDS)
    finally:
        for one in family | _family(folder):
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
