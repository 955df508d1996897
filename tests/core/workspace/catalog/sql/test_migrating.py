"""A catalog of an earlier format lifted to this one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import StoreError
from hookline.workspace.catalog.catalog import Catalog
from hookline.workspace.catalog.sql.database import FORMAT
from hookline.workspace.catalog.sql.migrating import migrate
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told


def aged(file: Path, number: int) -> None:
    """Make a catalog what an earlier hookline left."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE hookline_acts")
        connection.execute("UPDATE hookline_meta SET format = ?", (number,))
        connection.commit()


def test_a_home_of_the_format_before_is_lifted_and_loses_nothing(hookline: Told) -> None:
    hl.run("source=iris", "trainer=decision_tree", "monitor=[]")
    home = open_workspace().home
    aged(home / "catalog.db", 6)
    code, _, err = hookline("models", "list")
    assert (code, "hint: hookline migrate" in err) == (1, True)
    code, _, err = hookline("migrate")
    assert (code, f"from format 6 to {FORMAT}" in err) == (0, True)
    assert hl.tag_version("iris:1", {"stage": "trial"}) == {"stage": "trial"}
    with closing(sqlite3.connect(home / "catalog.db.format-6")) as connection:
        assert connection.execute("SELECT format FROM hookline_meta").fetchone() == (6,)
        assert connection.execute("SELECT count(*) FROM hookline_models").fetchone() == (1,)
    assert f"has format {FORMAT} already" in hookline("migrate")[2]


@pytest.mark.parametrize("number", [1, 99])
def test_a_format_that_is_not_lifted_stays_as_it_is(number: int, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    Catalog(url).database.close()
    aged(tmp_path / "catalog.db", number)
    with pytest.raises(StoreError, match=f"has format {number}"):
        migrate(url)
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as connection:
        assert connection.execute("SELECT format FROM hookline_meta").fetchone() == (number,)


def test_where_there_is_none_none_is_made(hookline: Told) -> None:
    code, _, err = hookline("migrate")
    assert (code, "there is no catalog" in err) == (1, True)


def test_a_server_is_lifted_too(postgresql_url: str) -> None:
    from sqlalchemy import create_engine, text

    Catalog(postgresql_url).database.close()
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE hookline_acts"))
        connection.execute(text("UPDATE hookline_meta SET format = 6"))
    engine.dispose()
    made = migrate(postgresql_url)
    assert (made.before, made.after, made.copy) == (6, FORMAT, None)
    assert Catalog(postgresql_url).acts.of("churn") == []
