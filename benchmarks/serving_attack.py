"""A good client of hookline's server, alone and beside bad ones of every sort: how long it waits, and what the server holds."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from measure import HERE, HOOKLINE, run, show, table_w
from w import overrides

sys.path.insert(0, str(HERE.parent / "tests"))

from kit.attacks import Target, sorts, under_attack

SHOWN = ["beside", "p50 ms", "p99 ms", "most ms", "anew p50", "anew p99", "failed", "MiB"]


def main() -> None:
    """Print what was measured, a line for each company that the good client is in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--each", action="store_true", help="each sort of bad client by itself, too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        env = {"HOOKLINE_HOME": home}
        run([HOOKLINE, *overrides(table_w(10_000))], env)
        with _serving(env) as (server, target), _serving(env) as (_, other):
            show(_measured(server, target, other, given.seconds, given.each), SHOWN)


@contextmanager
def _serving(env: Mapping[str, str]) -> Iterator[tuple[int, Target]]:
    """Serve the model; its messages are read by nobody, as where whoever reads them hangs."""
    command = [HOOKLINE, "serve", "w", "--port", "0"]
    with subprocess.Popen(command, env=os.environ | dict(env), stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            host, port = re.findall(r"answers at http://([\w.]+):(\d+)", server.stderr.readline())[0]
            with urllib.request.urlopen(f"http://{host}:{port}/example") as answer:
                yield server.pid, Target(host, int(port), "w", json.load(answer)["rows"][0])
        finally:
            server.kill()


def _measured(server: int, target: Target, other: Target, seconds: float, each: bool) -> list[list[object]]:
    every = list(sorts(target))
    beside = [
        ("nobody", [], target),
        # What bad clients and their victim take of this machine, and not of the server.
        ("all of them, at another server", every, other),
        *([(name, [name], target) for name in every] if each else []),
        ("all of them", every, target),
    ]
    rows: list[list[object]] = []
    for called, names, attacked in beside:
        load = under_attack(target, server, seconds, names, attacked, anew=True)
        good, anew = load.good, load.anew or {}
        failed = good["failures"] + anew["failures"]
        rows.append([called, good["p50"], good["p99"], good["max"], anew["p50"], anew["p99"], failed, load.memory])
    return rows


if __name__ == "__main__":
    main()
