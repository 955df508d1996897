"""A glance at the catalog's file: what it reads, that it writes nothing, and that it costs no library."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.sql.glance import glance
from hookline.workspace.catalog.sql.tables import TABLES


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A catalog with three versions of two models."""
    held = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    for name, fingerprint in (("tips", "f1"), ("churn", "f2"), ("tips", "f3")):
        held.models.register(name, "r", "p", "onnx", {}, fingerprint)
    held.database.close()
    return tmp_path / "catalog.db"


def test_rows_come_in_the_order_asked_for_and_no_more_of_them(file: Path) -> None:
    rows = glance(file, "models", ("name", "version"), order=("name", "-version"), limit=2)
    assert rows == [("churn", 1), ("tips", 2)]


def test_equal_rows_are_told_once_where_they_are_to_be_distinct(file: Path) -> None:
    assert glance(file, "models", ("name",), order=("name",), limit=9) == [("churn",), ("tips",), ("tips",)]
    assert glance(file, "models", ("name",), order=("-name",), limit=9, distinct=True) == [("tips",), ("churn",)]


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_every_table_can_be_read(file: Path, table: str) -> None:
    columns = tuple(TABLES[table].columns)
    with closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {TABLES[table].name}").fetchone()
    rows = glance(file, table, columns, order=columns, limit=9)
    assert [len(row) for row in rows] == [len(columns)] * count


def test_a_column_that_the_catalog_does_not_have_is_refused(file: Path) -> None:
    for columns, order in ((("nmae",), ("name",)), (("name",), ("-nmae",))):
        with pytest.raises(KeyError, match="'models' has no column"):
            glance(file, "models", columns, order=order, limit=1)


def test_what_is_no_catalog_holds_no_rows_and_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database" * 100)
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE theirs (id)")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name in ("text.db", "other.db", "none.db", "no folder/none.db"):
        assert glance(tmp_path / name, "runs", ("id",), order=("id",), limit=9) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_glance_at_a_file_of_an_odd_name_leaves_its_folder_as_it_is(file: Path) -> None:
    odd = file.rename(file.with_name("cat?log #1%20.db"))
    before = {path.name: path.read_bytes() for path in file.parent.iterdir()}
    assert glance(odd, "models", ("name",), order=("name",), limit=1) == [("churn",)]
    assert {path.name: path.read_bytes() for path in file.parent.iterdir()} == before


def test_a_glance_imports_the_standard_library_alone(file: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom hookline.workspace.catalog.sql.glance import glance\n"
        "print(glance(Path(sys.argv[1]), 'models', ('name',), order=('name',), limit=1))\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    answered, loaded = done.stdout.splitlines()
    assert answered == "[('churn',)]"
    assert not set(loaded.split()) & {
        "sqlalchemy",
        "pydantic",
        "polars",
        "numpy",
        "hookline.workspace.catalog.sql.engine",
    }
