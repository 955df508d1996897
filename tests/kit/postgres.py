"""A PostgreSQL server of the tests' own, which can be stopped and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.processes import free_port, lacks

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}


@dataclass
class Postgres:
    """A server that listens at a port of this machine."""

    command: list[str]
    port: int
    owner: dict[str, Any]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Its URL, without a database."""
        return f"postgresql+psycopg://hookline@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it takes connections, which is later than it listens."""
        import psycopg

        self._process = subprocess.Popen(self.command, **QUIET, **self.owner)  # type: ignore[call-overload]
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(f"{self.url}/postgres".replace("+psycopg", "")).close()
            except psycopg.OperationalError:
                assert time.monotonic() < until, "PostgreSQL does not start"
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        """Stop it without waiting for its clients, whose connections break."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a server until the block ends; the test that lacks one is left out."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    if initdb is None:
        lacks("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # Short, since a socket's path may have 107 bytes.
    owner = {"user": "postgres"} if os.getuid() == 0 else {}  # PostgreSQL does not run as root.
    if owner:
        shutil.chown(folder, "postgres")
    data, port = folder / "data", free_port()
    subprocess.run([initdb, "-D", data, "-U", "hookline", "--auth=trust", "--no-sync"], check=True, **QUIET, **owner)  # type: ignore[call-overload]
    access = data / "pg_hba.conf"
    access.write_text(
        f"host all guarded 127.0.0.1/32 scram-sha-256\n{access.read_text()}"
    )  # The one user with a password.
    command = [str(Path(initdb).resolve().with_name("postgres")), "-D", str(data), "-p", str(port), "-k", str(folder)]
    server = Postgres([*command, "-h", "127.0.0.1", "-F"], port, owner)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: str) -> str:
    """Return the URL of a new, empty database on a server, by the server's URL."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"{server}/postgres".replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"create database {name}")  # type: ignore[call-overload]
    return f"{server}/{name}"


def wait_for(port: int) -> None:
    """Wait until somebody listens at a port of this machine."""
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
