"""Everything that hookline does, where no way leads out: nobody is looked up or called, and the user's folders stay empty."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from kit.processes import lacks, run_command

ACTS = """
import json, re, subprocess, sys, urllib.request
from pathlib import Path

import hookline as hl
import polars as pl

home, hookline = Path(sys.argv[1]), str(Path(sys.executable).with_name("hookline"))
tracking = {"mlflow": {"enabled": True, "tracking_uri": f"sqlite:///{home}/mlflow.db"}}
run = hl.run(
    source="iris", trainer="decision_tree", packager=["onnx", "skops"], monitor=["data_drift", *sys.argv[2:]],
    evaluator=["standard"], deployer="local", home=home, settings=tracking,
)
row = dict.fromkeys(hl.load(run.package("onnx")).schema.names, 5.0)
for name in ("onnx", "skops"):
    assert len(hl.load(run.package(name)).predict(pl.DataFrame([row])).values) == 1
command = [hookline, "serve", str(run.package("onnx")), "--port", "0"]
with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
    url = next(found[1] for line in server.stderr if (found := re.search(r"answers at (http://\\S+)", line)))
    body = json.dumps({"rows": [row]}).encode()
    asked = urllib.request.Request(url + "/predict", body, {"Content-Type": "application/json"})
    assert len(json.load(urllib.request.urlopen(asked))["predictions"]) == 1
    server.terminate()
print("done")
"""
REACHES = re.compile(r"sin6?_port=htons\((\d+)\).*?(?:inet_addr\(\"|inet_pton\(AF_INET6, \")([^\"]+)")
HERE = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        message = f"{name} is not installed, so nothing can be watched"
        lacks(message)
    return found


def watched(command: list[str], trace: Path) -> list[str]:
    """Return a command as it runs in a network without a way out, every address that it reaches for written to a file."""
    alone = [tool("unshare"), "-n" if os.geteuid() == 0 else "-rn"]
    if run_command([*alone, "true"], timeout=20).returncode:
        pytest.skip("this kernel gives nobody a network of their own")
    strace = [
        tool("strace"),
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-e",
        "signal=none",
        "-e",
        "trace=connect,sendto,sendmsg,sendmmsg",
    ]
    up = f'{tool("ip")} link set lo up && exec "$0" "$@"'
    return [*alone, "sh", "-c", up, *strace, "-o", str(trace), *command]


def reached(trace: Path) -> set[str]:
    """Return the addresses outside this machine that were reached for; a look-up reaches for a name server."""
    found = REACHES.findall(trace.read_text("utf-8", "replace"))
    return {f"{address}:{port}" for port, address in found if address not in HERE}


def test_the_watch_sees_a_look_up(tmp_path: Path) -> None:
    look_up = "import socket\ntry: socket.getaddrinfo('example.org', 80)\nexcept OSError: print('none')"
    command = watched([sys.executable, "-c", look_up], tmp_path / "trace")
    assert run_command(command, timeout=60).stdout == "none\n"
    assert reached(tmp_path / "trace")


def test_a_run_a_server_and_a_tracker_reach_for_nobody_and_leave_nothing(tmp_path: Path) -> None:
    user, home = tmp_path / "user", tmp_path / "home"
    folders = {f"XDG_{name}_HOME": str(user / f".{name.lower()}") for name in ("CACHE", "CONFIG", "DATA", "STATE")}
    user.mkdir()
    # Without what tells some backends that they are being tested, for then they are quiet anyway.
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    environment = kept | folders | {"HOME": str(user), "HOOKLINE_HOME": str(home), "HOOKLINE_STORE_KEY": "a secret"}
    profiles = ["profile"] if sys.version_info < (3, 13) else []
    command = watched([sys.executable, "-c", ACTS, str(home), *profiles], tmp_path / "trace")
    done = run_command(command, timeout=280, env=environment, cwd=tmp_path)
    assert done.stdout.endswith("done\n"), done.stdout + done.stderr
    assert (home / "mlflow.db").is_file(), done.stderr
    assert reached(tmp_path / "trace") == set()
    # Our own templates, compiled.
    left = {path.relative_to(user).as_posix() for path in user.rglob("*") if path.is_file()}
    assert {name for name in left if not name.startswith(".cache/hookline/")} == set()
