"""The catalog keeps runs, models and aliases, also when many write at once."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest

from hookline.cli import main
from hookline.errors import HooklineError, StoreError, UnknownName
from hookline.kinds.deployments import Deployment
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.workspace import open_workspace
from kit.processes import run_python, run_together


def catalog(folder: Path) -> Catalog:
    return Catalog(f"sqlite:///{folder / 'catalog.db'}")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of either sort."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    return f"sqlite:///{tmp_path / 'catalog.db'}"


def test_a_model_gets_the_next_version_and_the_same_package_keeps_its_own(url: str) -> None:
    held = Catalog(url)
    first = held.models.register("churn", "r1", "p1", "onnx", {"accuracy": 0.9}, "f1")
    second = held.models.register("churn", "r2", "p2", "onnx", {}, "f2")
    again = held.models.register("churn", "r3", "p1", "onnx", {}, "f1")
    assert (first, second, again) == (1, 2, 1)


def test_an_alias_moves_and_the_log_of_deployments_grows(url: str) -> None:
    held = Catalog(url)
    for number in (1, 2):
        held.models.register("churn", "r", f"p{number}", "onnx", {}, f"f{number}")
        held.deployments.record(Deployment.single("churn", number, "local"), "test")
    assert held.models.aliases("churn") == {"champion": 2}
    assert held.models.get("churn").version == 2
    assert held.models.get("churn", 1).path == "p1"
    assert len(held.deployments.history("churn")) == 2


def test_unknown_models_versions_and_aliases_say_what_there_is(url: str) -> None:
    held = Catalog(url)
    held.models.register("churn", "r", "p", "onnx", {}, "f")
    with pytest.raises(UnknownName, match="did you mean 'churn'"):
        held.models.get("chrun")
    with pytest.raises(UnknownName, match="there is 1"):
        held.models.get("churn", 7)
    with pytest.raises(UnknownName, match="alias"):
        held.models.get("churn", "champion")


OPENING = "import json, sys\nfrom hookline.workspace.catalog.catalog import Catalog\nheld = Catalog(sys.argv[1])\n"
"""What gives another process the catalog as `held`."""


def test_parallel_writers_wait_and_none_fails(url: str) -> None:
    code = "print(json.dumps([held.models.register('m', 'r', 'p', 'onnx', {}, f'%d-{n}') for n in range(10)]))"
    writers = run_together(([sys.executable, "-c", OPENING + code % number, url] for number in range(4)), timeout=60)
    versions = [json.loads(writer.stdout) for writer in writers]
    assert sorted(version for some in versions for version in some) == list(range(1, 41))


def test_a_run_whose_process_died_is_marked_interrupted(url: str) -> None:
    run_python(OPENING + "held.runs.begin('20260101-000000-abcdef', 'n', 'p', {}, [])", url, timeout=60)
    held = Catalog(url)
    assert held.runs.mark_interrupted() == 1
    assert held.runs.get("last").status == "interrupted"


def test_a_file_that_is_no_catalog_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match="catalog.db"):
        catalog(tmp_path).runs.newest()


def test_a_catalog_of_a_later_version_is_refused(tmp_path: Path) -> None:
    catalog(tmp_path).runs.newest()
    with sqlite3.connect(tmp_path / "catalog.db") as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        meta = next(name for name in tables if name.endswith("meta"))
        connection.execute(f"update {meta} set format = 99")
    connection.close()
    with pytest.raises(StoreError, match="99"):
        catalog(tmp_path).runs.newest()


def test_a_run_and_a_sweep_are_kept_on_a_database_server(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_CATALOG", postgresql_url)
    assert main(["source=iris", "trainer=decision_tree"]) == 0
    assert main(["-m", "source=iris", "trainer=decision_tree", "trainer.max_depth=1,2,3"]) == 0
    held = Catalog(postgresql_url)
    assert [run.status for run in held.runs.newest()] == ["finished"] * 4
    assert held.models.aliases("iris") == {"champion": 1}
    assert not (open_workspace().home / "catalog.db").exists()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "HOOKLINE_CATALOG: Could not parse"),
        ("sqlite:cat.db", "HOOKLINE_CATALOG: Could not parse"),
        ("postgresql+psycopg://me:secret@127.0.0.1:port/x", "HOOKLINE_CATALOG: its port is no number"),
        ("postgresql+psycopg://me:secret@127.0.0.1:99999/x", "invalid port number"),
        ("oracle+missing://x/y", "HOOKLINE_CATALOG: Can't load plugin"),
        (
            "postgresql+psycopg://me:secret@127.0.0.1:1/x",
            "the catalog postgresql.psycopg://me:...@127.0.0.1:1/x cannot be used",
        ),
    ],
)
def test_a_url_that_leads_nowhere_is_one_clear_error_without_the_password(url: str, message: str) -> None:
    with pytest.raises(HooklineError, match=message) as told:
        Catalog(url)
    assert "secret" not in str(told.value)
