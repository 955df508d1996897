"""Machines with homes of their own share one PostgreSQL and one S3, and work on one model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import server as moto

VERB = [sys.executable, "-c", "import sys; from hookline.cli import main; sys.exit(main(sys.argv[1:]))"]


@pytest.fixture
def team(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Name a database and a bucket that all machines share, with credentials, in the environment."""
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "HOOKLINE_CATALOG": postgresql_url,
        "HOOKLINE_MODELS_REMOTE": "s3://team/models",
        "HOOKLINE_STORE_KEY": "one for all",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "who",
        "AWS_SECRET_ACCESS_KEY": "hush-hush",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem(skip_instance_cache=True).mkdir("team")
    yield
    server.stop()


def on(machine: Path, *words: str) -> str:
    """Run a command on a machine, which is a home; returns its stdout."""
    done = subprocess.run(
        [*VERB, *words],
        env=os.environ | {"HOOKLINE_HOME": str(machine)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("team")
def test_a_version_is_trained_on_one_machine_asked_on_another_and_rolled_back_on_a_third(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    rows = tmp_path / "rows.csv"
    rows.write_text("".join(["x,kind\n", *(f"{n},{'ab'[n > 30]}\n" for n in range(60))]))
    for depth in (1, 2):
        on(first, str(rows), "target=kind", "name=t", "trainer=decision_tree", f"trainer.max_depth={depth}")
    on(first, "models", "promote", "t:2")
    on(second, "predict", "t", str(rows), "-o", str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").is_file()
    assert len(list((second / "models" / "t").iterdir())) == 1
    on(third, "deploy", "rollback", "t")
    assert json.loads(on(second, "deploy", "status", "t", "--json"))
    written = b"".join(path.read_bytes() for path in first.rglob("*") if path.is_file())
    assert b"hush-hush" not in written
