"""Machines with homes of their own share one PostgreSQL and one S3, and work on one model; their secrets stay secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import server as moto

CANARIES = {name: f"c4n4ry-{name}-7b1d" for name in ("password", "id", "secret", "key")}
VERB = [sys.executable, "-c", "import sys; from hookline.cli import main; sys.exit(main(sys.argv[1:]))"]


@pytest.fixture
def team(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name a database and a bucket that all machines share, with credentials, in the environment; the database's URL."""
    import psycopg

    with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as connection:
        if not connection.execute("select from pg_roles where rolname = 'guarded'").fetchall():
            connection.execute("create role guarded login")
        connection.execute(f"alter role guarded password '{CANARIES['password']}'")  # type: ignore[call-overload]
        connection.execute(f"alter database {postgresql_url.rpartition('/')[2]} owner to guarded")  # type: ignore[call-overload]
    url = postgresql_url.replace("hookline@", f"guarded:{CANARIES['password']}@")
    bucket = f"team-{uuid.uuid4().hex}"  # The server is one in this process, with all that was ever kept in it.
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "HOOKLINE_CATALOG": url,
        "HOOKLINE_MODELS_REMOTE": f"s3://{bucket}/models",
        "HOOKLINE_STORE_REMOTE": f"s3://{bucket}/store",
        "HOOKLINE_STORE_KEY": CANARIES["key"],
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": CANARIES["id"],
        "AWS_SECRET_ACCESS_KEY": CANARIES["secret"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(bucket)
    yield url
    server.stop()


def told(machine: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a machine, which is a home; nothing that it says holds a secret."""
    done = subprocess.run(
        [*VERB, *words],
        env=os.environ | {"HOOKLINE_HOME": str(machine)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not [name for name, canary in CANARIES.items() if canary in done.stdout + done.stderr], done
    return done


def on(machine: Path, *words: str) -> str:
    """Run a command on a machine, which must end well; returns its stdout."""
    done = told(machine, *words)
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
    on(third, "gc", "--keep-versions", "1", "--older-than", "0", "--keep-runs", "0", "--yes")
    found = json.loads(on(second, "models", "list", "t", "--json"))
    assert [one["version"] for one in found] == [2, 1], "one is in force, and a roll-back goes back to the other"
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not [name for name, canary in CANARIES.items() if canary.encode() in written]


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str, str]]:
    """Return what `doctor` says of what a team shares: status, detail and what to do."""
    return {one["check"]: (one["status"], one["detail"], one["todo"]) for one in json.loads(done.stdout)}


def test_doctor_looks_at_the_database_the_packages_and_the_store_of_a_team(team: str, tmp_path: Path) -> None:
    found = checks(told(tmp_path, "doctor", "--json"))
    assert [found[name][0] for name in ("remote store", "remote models", "catalog")] == ["ok", "ok", "ok"]
    assert "at postgresql+psycopg://guarded:***@127.0.0.1" in found["catalog"][1]


def test_doctor_says_what_to_do_where_each_of_them_is_wrong(team: str, tmp_path: Path) -> None:
    wrong = {
        "HOOKLINE_CATALOG": f"{team}-and-more",
        "HOOKLINE_MODELS_REMOTE": "s3://misspelt/models",
        "HOOKLINE_STORE_REMOTE": "s4://team/store",
    }
    done = told(tmp_path, "doctor", "--json", **wrong)
    found = checks(done)
    assert done.returncode == 1
    assert found["remote models"][0] == found["remote store"][0] == found["catalog"][0] == "error"
    assert found["remote models"][2] == "make the bucket, or name another in HOOKLINE_MODELS_REMOTE"
    assert "a URL that fsspec knows" in found["remote store"][2]
    assert "make it on the server" in found["catalog"][2]
    import s3fs

    assert s3fs.S3FileSystem(skip_instance_cache=True).exists("misspelt") is False, (
        "nobody makes the bucket of a misspelt name"
    )


def test_a_team_whose_database_and_bucket_refuse_it_hears_no_secret(team: str, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("".join(["x,kind\n", *(f"{n},{'ab'[n > 30]}\n" for n in range(60))]))
    train = (str(rows), "target=kind", "name=t", "trainer=decision_tree")
    done = told(tmp_path, *train, HOOKLINE_MODELS_REMOTE="s3://misspelt/models")
    assert (done.returncode, "cannot be copied to" in done.stderr) == (1, True), done.stderr
    refused = team.replace(CANARIES["password"], f"{CANARIES['password']}-old")
    done = told(tmp_path, *train, HOOKLINE_CATALOG=refused)
    assert (done.returncode, "password authentication failed" in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr
