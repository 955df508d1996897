"""A team's machines at the same moment: two that promote, one that deletes what another registers, a database that goes away."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

import hookline as hl
from hookline.errors import StoreError
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.workspace import Workspace, open_workspace
from kit.postgres import Postgres, new_database, postgres
from kit.processes import free_port
from kit.serving import ROW, Server, serving, train_churn
from kit.versions import MODEL, put, register, registered, until

PROMOTE = """
import sys
import hookline as hl
print("ready", flush=True)
sys.stdin.readline()
for turn in range(10):
    hl.promote(f"churn:{1 + (turn + int(sys.argv[2])) % 3}", reason=f"{sys.argv[2]}-{turn}", home=sys.argv[1])
"""
REGISTER = """
import shutil, sys
from pathlib import Path
from hookline.workspace.workspace import open_workspace
home, package, fingerprint = Path(sys.argv[1]), sys.argv[2], "f" * 64
workspace = open_workspace(home)
print("ready", flush=True)
sys.stdin.readline()
for turn in range(6):
    with workspace.package_place("churn", fingerprint) as path:
        if not path.is_dir():
            shutil.copytree(package, path)
        workspace.catalog.models.register("churn", "run", str(path), "onnx", {}, fingerprint)
"""
DELETE = """
import sys
import hookline as hl
from hookline.errors import HooklineError
from hookline.workspace.workspace import open_workspace
workspace, gone = open_workspace(sys.argv[1]), 0
print("ready", flush=True)
sys.stdin.readline()
for turn in range(6):
    record = workspace.catalog.models.of_fingerprint("churn", "f" * 64)
    if record is not None:
        hl.delete_version(f"churn:{record.version}", home=sys.argv[1])
        gone += 1
print(gone)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_HOME", str(tmp_path_factory.mktemp("churn")))
        return train_churn()


def together(*commands: tuple[str, ...]) -> list[str]:
    """Run scripts, each with its words, and have them begin at one moment; returns what each said."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    try:
        for one in started:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n", one.communicate(timeout=60)[1]
        for one in started:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        said = [one.communicate(timeout=120) for one in started]
    finally:
        for one in started:
            one.kill()
    assert [one.returncode for one in started] == [0] * len(started), said
    return [out for out, _ in said]


@pytest.fixture(params=["sqlite", "postgresql"])
def homes(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two homes that share a catalog and packages."""
    url = f"sqlite:///{tmp_path / 'team.db'}"
    if request.param == "postgresql":
        url = new_database(request.getfixturevalue("postgresql_server"))
    monkeypatch.setenv("HOOKLINE_CATALOG", url)
    monkeypatch.setenv("HOOKLINE_MODELS_REMOTE", f"file://{tmp_path / 'there'}")
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "one for all")
    return tmp_path / "first", tmp_path / "second"


def test_of_two_that_promote_at_once_every_word_is_on_record_in_one_order(
    homes: tuple[Path, Path], package: Path
) -> None:
    first, second = homes
    registered(package, first)
    together((PROMOTE, str(first), "0"), (PROMOTE, str(second), "1"))
    histories = [open_workspace(home).catalog.deployments.history(MODEL) for home in homes]
    assert histories[0] == histories[1]
    reasons = [policy.reason for policy in histories[0]]
    assert sorted(reasons[:-1]) == sorted(f"{who}-{turn}" for who in "01" for turn in range(10))
    for who in "01":
        assert [one for one in reasons if one.startswith(f"{who}-")] == [f"{who}-{turn}" for turn in range(9, -1, -1)]
    moments = [policy.since for policy in histories[0] if policy.since]
    assert moments == sorted(moments, reverse=True)
    assert open_workspace(second).catalog.models.aliases(MODEL)["champion"] == histories[0][0].version


def test_what_one_machine_deletes_while_another_registers_it_has_its_package_or_no_number(
    homes: tuple[Path, Path], package: Path
) -> None:
    first, second = homes
    registered(package, first, 1)
    _, gone = together((REGISTER, str(first), str(package)), (DELETE, str(second)))
    models = open_workspace(second).catalog.models
    assert models.shelf is not None
    assert len([act for act in open_workspace(second).catalog.acts.of(MODEL) if act.sort == "deleted"]) == int(gone)
    there = models.of_fingerprint(MODEL, "f" * 64)
    assert there is None or models.shelf.has(Path(there.path))
    if there is not None:
        assert Path(models.get(MODEL, there.version).path).is_dir()
    assert not list(first.parent.glob("*.lock"))


def test_a_delete_waits_for_who_registers_the_same_package_in_another_home(
    homes: tuple[Path, Path], package: Path
) -> None:
    first, second = homes
    registered(package, first, 2)
    put(open_workspace(first), 2)
    record = open_workspace(second).catalog.models.get(MODEL, 1)
    deleting = Thread(target=hl.delete_version, args=("churn:1",), kwargs={"home": second})
    with open_workspace(first).package_place(MODEL, record.fingerprint):
        deleting.start()
        deleting.join(1)
        assert deleting.is_alive()
        assert open_workspace(first).catalog.models.get(MODEL, 1).version == 1
    deleting.join(60)
    assert [one.version for one in open_workspace(first).catalog.models.versions(MODEL)] == [2]


@dataclass
class Team:
    """A server of one home, and a home where people decide; both share a database that can go away, and packages."""

    database: Postgres
    server: Server
    workspace: Workspace
    """Of the home where people decide."""
    answering: Path
    """The server's home."""

    def in_charge(self) -> int:
        response = self.server.post(ROW)
        assert response.status_code == 200, response.text
        return int(response.json()["version"])


@pytest.fixture(scope="module")
def team(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    place = tmp_path_factory.mktemp("team")
    with postgres() as database, pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "HOOKLINE_CATALOG": new_database(database.url),
            "HOOKLINE_MODELS_REMOTE": f"file://{place / 'there'}",
            "HOOKLINE_STORE_KEY": "one for all",
        }.items():
            patch.setenv(name, value)
        workspace, answering = registered(package, place / "deciding", 2), place / "answering"
        with serving(MODEL, answering) as server:
            yield Team(database, server, workspace, answering)


def test_a_server_follows_a_promotion_made_in_another_home_and_brings_the_version(team: Team) -> None:
    assert team.in_charge() == 1
    third = register(team.workspace, Path(team.workspace.catalog.models.get(MODEL, 1).path))
    shutil.rmtree(team.workspace.catalog.models.get(MODEL, third).path)
    put(team.workspace, third)
    assert until(lambda: team.in_charge() == third, 20)
    assert (team.answering / "models" / MODEL / f"{third:016}").is_dir()


def test_a_server_answers_on_while_the_database_is_away_and_follows_again_once_it_is_back(team: Team) -> None:
    put(team.workspace, 1)
    assert until(lambda: team.in_charge() == 1, 20)
    team.database.stop()
    # Longer than it takes to look for a new policy.
    assert not until(lambda: team.in_charge() != 1, 3)
    team.database.start()
    put(team.workspace, 2)
    assert until(lambda: team.in_charge() == 2, 30)


def test_a_database_that_is_away_is_one_error_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used") as raised:
        Catalog(f"postgresql+psycopg://hookline:hush-hush@127.0.0.1:{free_port()}/team", tmp_path)
    assert "hush-hush" not in str(raised.value)
