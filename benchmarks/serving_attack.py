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

from measure import HERE, HOOKLINE, run, show, table_w
from w import overrides

sys.path.insert(0, str(HERE.parent / "tests"))

from kit.attacks import Target, sorts, under_attack


def main() -> None:
    """Print what was measured, a line for each company that the good client is in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--each", action="store_true", help="each sort of bad client by itself, too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        env = {"HOOKLINE_HOME": home}
        run([HOOKLINE, *overrides(table_w(10_000))], env)
        command = [HOOKLINE, "serve", "w", "--port", "0"]
        with subprocess.Popen(command, env=os.environ | env, stderr=subprocess.PIPE, text=True) as server:
            try:
                show(
                    _measured(server, given.seconds, given.each),
                    ["beside", "p50 ms", "p99 ms", "most ms", "failed", "MiB"],
                )
            finally:
                server.kill()


def _measured(server: subprocess.Popen[str], seconds: float, each: bool) -> list[list[object]]:
    assert server.stderr is not None
    host, port = re.findall(r"answers at http://([\w.]+):(\d+)", server.stderr.readline())[0]
    with urllib.request.urlopen(f"http://{host}:{port}/example") as answer:
        target = Target(host, int(port), "w", json.load(answer)["rows"][0])
    beside = [
        ("nobody", []),
        *([(name, [name]) for name in sorts(target)] if each else []),
        ("all of them", list(sorts(target))),
    ]
    rows: list[list[object]] = []
    for called, names in beside:
        load = under_attack(target, server.pid, seconds, names)
        good = load.good
        rows.append([called, good["p50"], good["p99"], good["max"], good["failures"], load.memory])
    return rows


if __name__ == "__main__":
    main()
