"""`hookline doctor` names each thing that is broken, with one thing to do, and fails only where something is."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.cli import main
from hookline.cli.doctor.home import FEW_BYTES, TOO_FEW_BYTES, space_verdict
from hookline.version import install_line
from hookline.workspace.signing import key_path
from kit.command_line import Told
from kit.distributions import describe_installed
from kit.places import own_home
from kit.processes import run_hookline, started

Found = Callable[[], tuple[int, dict[str, dict[str, str]]]]


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Found:
    """Run `hookline doctor --json` in this process; returns the exit code, and each check by its name."""

    def look() -> tuple[int, dict[str, dict[str, str]]]:
        capsys.readouterr()
        code = main(["doctor", "--json"])
        checks = json.loads(capsys.readouterr().out)
        for check in checks:
            assert check["todo"] or check["status"] == "ok", check
            assert "\n" not in check["detail"]
        return code, {check["check"]: check for check in checks}

    return look


def doctor_elsewhere(**environ: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Run `hookline doctor --json` in a process of its own."""
    done = run_hookline("doctor", "--json", env=os.environ | environ)
    assert "Traceback" not in done.stderr
    return done.returncode, {check["check"]: check for check in json.loads(done.stdout)}


def test_a_fit_environment_has_nothing_to_do(doctor: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    # It is tested in an environment of its own.
    monkeypatch.setenv("HOOKLINE_DISABLE", "tensorflow")
    code, checks = doctor()
    assert code == 0
    assert {check["status"] for check in checks.values()} == {"ok"}
    assert {"python", "libraries", "backends", "home", "disk", "store", "catalog"} <= set(checks)


def test_a_person_is_told_the_verdict(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_DISABLE", "tensorflow")
    assert main(["doctor"]) == 0
    assert "nothing is wrong" in capsys.readouterr().err
    monkeypatch.setenv("HOOKLINE_PLUGINS", "no_such_module")
    assert main(["doctor"]) == 1
    assert "broken: 1, to look at: 0" in capsys.readouterr().err


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder before all others on the path of Python, here and in processes that are started."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.mark.parametrize(
    ("name", "version", "told"),
    [
        ("scikit-learn", "1.2.0", "1.2.0 is installed; hookline works with scikit-learn>=1.8"),
        ("polars", "0.20.0", "0.20.0 is installed; hookline works with polars>=1.30"),
        ("pytorch-lightning", "2.6.2", "2.6.2 is installed; hookline works with pytorch-lightning!=2.6.2"),
    ],
)
def test_a_library_below_its_floor_or_known_as_bad_is_an_error(site: Path, name: str, version: str, told: str) -> None:
    describe_installed(site, name, version)
    code, checks = doctor_elsewhere()
    check = checks[f"library {name}"]
    assert (code, check["status"]) == (1, "error")
    assert check["detail"].startswith(told)
    assert check["todo"].startswith(f"pip install '{name}")


def test_a_library_that_another_cannot_work_with_is_a_warning(site: Path) -> None:
    describe_installed(site, "skops", "99.0", more="Requires-Dist: numpy<1\n")
    code, checks = doctor_elsewhere()
    check = checks["library skops"]
    assert (code, check["status"]) == (0, "warning")
    assert check["detail"].startswith("skops 99.0 works with numpy<1, and ")
    assert check["todo"] == "pip install 'numpy<1'"


BLOCK = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "sklearn"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""


def test_a_missing_backend_names_what_cannot_run_and_how_to_get_it(site: Path) -> None:
    (site / "sitecustomize.py").write_text(BLOCK)
    code, checks = doctor_elsewhere()
    assert code == 0
    assert "trainer mlp" in checks["backend torch"]["detail"]
    assert checks["backend torch"]["todo"] == install_line([("hookline", "torch", "torch")])
    assert "trainer ridge" in checks["backend sklearn"]["detail"]
    assert checks["backend sklearn"]["todo"] == install_line([("hookline", "sklearn", "sklearn")])


def test_a_plugin_that_does_not_load_is_an_error_and_one_that_is_switched_off_is_none(
    doctor: Found, project_module: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = project_module("broken", "1 / 0\n")
    monkeypatch.setenv("HOOKLINE_DISABLE", "mlflow")
    code, checks = doctor()
    assert code == 1
    assert checks[f"plugin {name}"]["status"] == "error"
    assert "ZeroDivisionError" in checks[f"plugin {name}"]["detail"]
    assert checks[f"plugin {name}"]["todo"] == f"mend or uninstall it, or set HOOKLINE_DISABLE={name}"
    assert checks["plugin mlflow"]["status"] == "ok"


def test_plugins_that_clash_are_named_and_the_rest_is_looked_at(
    doctor: Found, install_plugin: Callable[..., None]
) -> None:
    install_plugin("hookline-twin", "sklearn", "twin_module", "")
    code, checks = doctor()
    assert code == 1
    assert "two plugins have this name" in checks["plugins"]["detail"]
    assert "HOOKLINE_DISABLE" in checks["plugins"]["todo"]
    assert checks["catalog"]["status"] == "ok"


def test_a_misspelt_variable_is_told(doctor: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_HOM", "x")
    code, checks = doctor()
    assert (code, checks["variable HOOKLINE_HOM"]["todo"]) == (0, "did you mean HOOKLINE_HOME?")


def test_a_url_that_machines_share_is_tried_and_so_is_whether_they_share_a_key(
    doctor: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_MODELS_REMOTE", f"file://{tmp_path / 'there'}")
    code, checks = doctor()
    assert (code, checks["remote models"]["status"], checks["team key"]["status"]) == (0, "ok", "warning")
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "one for all")
    assert "team key" not in doctor()[1]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOOKLINE_MODELS_REMOTE", f"file://{tmp_path / 'file'}")
    code, checks = doctor()
    assert (code, checks["remote models"]["status"]) == (1, "error")
    assert "HOOKLINE_MODELS_REMOTE" in checks["remote models"]["todo"]


@pytest.mark.parametrize("path", ["file", "file/sub", "/proc/nowhere"])
def test_a_home_that_cannot_be_written_is_an_error(
    doctor: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / path))
    code, checks = doctor()
    assert (code, checks["home"]["status"]) == (1, "error")
    assert "cannot be written" in checks["home"]["detail"]
    assert "store" not in checks


@pytest.mark.parametrize(
    ("free", "status"), [(FEW_BYTES, "ok"), (FEW_BYTES - 1, "warning"), (TOO_FEW_BYTES - 1, "error")]
)
def test_little_space_is_told_by_how_little(free: int, status: str) -> None:
    assert space_verdict(free, Path("/x"))[0] == status


@pytest.fixture
def used() -> hl.Run:
    return hl.run("source=iris", "trainer=decision_tree")


def test_damaged_entries_of_the_store_are_counted_and_kept(doctor: Found, used: hl.Run) -> None:
    entries = [entry.parent for entry in own_home().glob("store/??/*/entry.json")]
    contents = [
        [path for path in entry.rglob("*") if path.is_file() and path.name != "entry.json"] for entry in entries
    ]
    victims = [files[0] for files in contents if files][:2]
    for path in victims:
        path.write_bytes(b"flipped")
    code, checks = doctor()
    assert (code, checks["store"]["status"]) == (0, "warning")
    assert checks["store"]["detail"].startswith("2 of ")
    assert all(path.read_bytes() == b"flipped" for path in victims)


def test_a_store_of_another_version_is_an_error(doctor: Found, used: hl.Run) -> None:
    (own_home() / "store" / "store.json").write_text('{"format": 99}')
    code, checks = doctor()
    assert (code, checks["store"]["status"]) == (1, "error")
    assert "has format 99" in checks["store"]["detail"]


def test_a_key_that_others_can_read_is_a_warning_with_the_command(doctor: Found, used: hl.Run) -> None:
    key_path().chmod(0o644)
    code, checks = doctor()
    assert (code, checks["store key"]["status"]) == (0, "warning")
    assert checks["store key"]["todo"] == f"chmod 600 {key_path()}"


def test_a_key_that_is_none_is_an_error(doctor: Found, used: hl.Run) -> None:
    key_path().write_bytes(b"short")
    code, checks = doctor()
    assert (code, checks["store"]["status"]) == (1, "error")
    assert "is not a store's key" in checks["store"]["detail"]


@pytest.mark.parametrize(
    ("damage", "told"), [("another version", "has format 99"), ("junk", "not a database"), ("flipped", "malformed")]
)
def test_a_catalog_that_cannot_be_used_is_an_error(doctor: Found, used: hl.Run, damage: str, told: str) -> None:
    path = own_home() / "catalog.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE hookline_meta SET format = 99")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    for file in own_home().glob("catalog.db*"):
        file.unlink()
    flipped = content[:100] + b"\xff" * 12_000 + content[12_100:]
    path.write_bytes({"another version": content, "junk": b"junk" * 500, "flipped": flipped}[damage])
    code, checks = doctor()
    assert (code, checks["catalog"]["status"]) == (1, "error")
    assert told in checks["catalog"]["detail"]


def test_a_catalog_that_another_process_holds_is_a_warning(doctor: Found, used: hl.Run) -> None:
    code = textwrap.dedent(f"""
        import sqlite3
        connection = sqlite3.connect({str(own_home() / "catalog.db")!r}, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        print("held", flush=True)
        input()
    """)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": None}
    with started([sys.executable, "-c", code], **pipes) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        holder.stdout.readline()
        found: tuple[int, Any] = doctor()
        holder.stdin.write("\n")
    assert (found[0], found[1]["catalog"]["status"]) == (0, "warning")
    assert found[1]["catalog"]["detail"] == "another process is writing to it"


def test_registered_versions_whose_folders_are_gone_are_named(doctor: Found, used: hl.Run) -> None:
    shutil.rmtree(own_home() / "models")
    code, checks = doctor()
    assert (code, checks["models"]["status"]) == (0, "warning")
    assert "iris:1" in checks["models"]["detail"]


@pytest.mark.parametrize("damage", ["lost", "changed"])
def test_a_damaged_registered_version_is_named_with_the_line_that_mends_it(
    doctor: Found, used: hl.Run, hookline: Told, damage: str
) -> None:
    (folder,) = (own_home() / "models" / "iris").iterdir()
    if damage == "lost":
        shutil.rmtree(folder)
    else:
        (folder / "profile.json").write_text("{}", "utf-8")
    _, checks = doctor()
    assert "iris:1" in checks["models"]["detail"]
    line = checks["models"]["todo"]
    assert line.startswith(f"hookline models register {used.id} --package ")
    assert hookline(*line.split()[1:])[:2] == (0, "iris:1\n")
    assert "models" not in doctor()[1]


def test_a_damaged_version_whose_run_is_gone_too_is_not_told_to_be_made_again(doctor: Found, used: hl.Run) -> None:
    (folder,) = (own_home() / "models" / "iris").iterdir()
    shutil.rmtree(folder)
    shutil.rmtree(used.path)
    assert doctor()[1]["models"]["todo"] == f"put {folder} back from a copy of the home, or promote another version"


def test_packages_that_machines_share_without_a_catalog_are_pointed_out(
    doctor: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_STORE_KEY", "one for all")
    monkeypatch.setenv("HOOKLINE_MODELS_REMOTE", f"file://{tmp_path / 'there'}")
    assert "set HOOKLINE_CATALOG to the same database" in doctor()[1]["team"]["todo"]
    monkeypatch.setenv("HOOKLINE_CATALOG", f"sqlite:///{tmp_path / 'team.db'}")
    assert "team" not in doctor()[1]


def test_a_catalog_that_machines_share_without_packages_is_pointed_out(
    doctor: Found, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_CATALOG", postgresql_url)
    found = doctor()[1]
    assert "set HOOKLINE_MODELS_REMOTE" in found["team"]["todo"]
    assert postgresql_url in found["catalog"]["detail"]
