"""What goes wrong with a database, told in one line with one thing to do, and credentials that nobody sees."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline import Secret
from hookline.errors import DataError, HooklineError, MissingBackend
from hookline_sql import SqlSource
from kit.databases import put, run
from kit.tables import rows_of

PASSWORD = "sesame-open-99"


@pytest.fixture
def guarded(postgresql_url: str) -> str:
    """A database on PostgreSQL with a table that a user with a password may read; the URL has no password."""
    url = postgresql_url.replace("+psycopg", "")
    put(url, "t", pl.DataFrame({"x": [n % 5 for n in range(100)], "y": [n % 5 > 2 for n in range(100)]}))
    run(
        url,
        "drop owned by guarded" if _has_guarded(url) else "create role guarded login",
        f"alter role guarded password '{PASSWORD}'",
        "grant select on t to guarded",
    )
    return url.replace("hookline@", "guarded@")


def _has_guarded(url: str) -> bool:
    query = "select count(*) as n from pg_roles where rolname = 'guarded'"
    return bool(rows_of(SqlSource(url=url, query=query))["n"].item())


@pytest.mark.parametrize(
    ("fields", "told", "hint"),
    [
        ({"table": "nope"}, "nope", "source.table"),
        ({"table": "t", "columns": ("nope",)}, "nope", "source.columns"),
        ({"query": "selec x from t"}, "syntax", "own client"),
        ({"query": "select x from t where x > 99"}, "source.query gives no rows", "conditions"),
    ],
    ids=["table", "column", "syntax", "empty"],
)
def test_a_fault_is_one_line_and_one_thing_to_do(url: str, fields: dict[str, Any], told: str, hint: str) -> None:
    put(url, "t", pl.DataFrame({"x": [1]}))
    with pytest.raises(DataError) as caught:
        rows_of(SqlSource(url=url, **fields))
    message, _, found = str(caught.value).partition("\nhint: ")
    assert told in message
    assert "\n" not in message
    assert hint in found


def test_a_query_that_would_write_is_refused(postgresql_url: str, mariadb_url: str) -> None:
    for url in (postgresql_url.replace("+psycopg", ""), mariadb_url):
        put(url, "t", pl.DataFrame({"x": [1]}))
        with pytest.raises(DataError):
            rows_of(SqlSource(url=url, query="delete from t"))
        assert rows_of(SqlSource(url=url, table="t")).height == 1


def test_a_wrong_password_names_the_user_and_never_the_password(guarded: str, mariadb_url: str) -> None:
    for url in (guarded, mariadb_url.replace("hookline@", "stranger@")):
        with pytest.raises(DataError, match="(?i)guarded|stranger") as caught:
            rows_of(SqlSource(url=url.replace("@", ":wrong-word-77@"), table="t"))
        assert "wrong-word-77" not in str(caught.value)
        assert "source.password" in str(caught.value)


def test_nobody_at_the_port_is_told() -> None:
    for url in ("postgresql://me@127.0.0.1:1/x", "mysql://me@127.0.0.1:1/x"):
        with pytest.raises(DataError, match="127.0.0.1:1/x"):
            rows_of(SqlSource(url=url, table="t"))


def test_a_connection_that_is_cut_while_rows_come_is_told(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hookline_sql.servers.postgresql.BATCH", 10)
    url = postgresql_url.replace("+psycopg", "")
    put(url, "t", pl.DataFrame({"x": range(200_000)}))
    batches = SqlSource(url=url, table="t").load().frame.collect_batches(maintain_order=True, chunk_size=10)
    next(iter(batches))
    run(
        url,
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()",
    )
    with pytest.raises(DataError, match="PostgreSQL at") as caught:
        list(batches)
    assert "run again" in str(caught.value)


def test_a_column_of_mixed_values_is_told_by_name(database: Callable[[str], str]) -> None:
    url = database("sqlite")
    put(url, "t", pl.DataFrame({"x": [True]}))
    run(url, "update t set x = 5")
    with pytest.raises(DataError, match="column 'x' is read as Boolean, and holds 5"):
        rows_of(SqlSource(url=url, table="t"))


def test_types_that_no_table_here_has_are_told_together(postgresql_url: str) -> None:
    query = "select interval '1 day' as span, '::1'::inet as ip, 1 as x"
    with pytest.raises(DataError, match="column 'span' is of type interval; column 'ip' is of type inet"):
        rows_of(SqlSource(url=postgresql_url.replace("+psycopg", ""), query=query))


def test_numbers_times_json_and_lists_of_postgresql_have_their_types(postgresql_url: str) -> None:
    query = """select 12345678901234.25::numeric as n, timestamptz '2026-01-01 10:00+02' as at, '{"a": 1}'::jsonb as j,
        array[1, 2] as l, '0d4f5b2c-0000-4000-8000-000000000001'::uuid as u, null::numeric as gap"""
    read = rows_of(SqlSource(url=postgresql_url.replace("+psycopg", ""), query=query))
    assert read["n"].to_list() == [12345678901234.25]
    assert read["at"].dt.to_string("iso").to_list() == ["2026-01-01 08:00:00.000000+00:00"]
    assert [str(read.schema[name]) for name in ("j", "l", "u", "gap")] == ["String", "List(Int32)", "String", "Float64"]
    assert read["u"].item() == "0d4f5b2c-0000-4000-8000-000000000001"


@pytest.mark.parametrize("way", ["variable", "pgpass", "service", "reference", "url"])
def test_credentials_of_the_environment_let_in_and_are_written_nowhere(
    guarded: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hookline: Any
) -> None:
    for name in ("PGPASSWORD", "PGPASSFILE", "PGSERVICEFILE"):
        monkeypatch.delenv(name, raising=False)
    said = [f"source.url={guarded}"]
    if way == "variable":
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
    elif way == "pgpass":
        file = tmp_path / "pgpass"
        file.write_text(f"*:*:*:guarded:{PASSWORD}\n")
        file.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(file))
    elif way == "service":
        file = tmp_path / "services"
        host, port, name = re.fullmatch(r".*@(.*):(\d+)/(.*)", guarded).groups()  # type: ignore[union-attr]
        file.write_text(f"[shop]\nhost={host}\nport={port}\ndbname={name}\nuser=guarded\npassword={PASSWORD}\n")
        monkeypatch.setenv("PGSERVICEFILE", str(file))
        said = ["source.url=postgresql:///?service=shop"]
    elif way == "reference":
        monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
        said.append("source.password=${oc.env:SHOP_PASSWORD}")
    else:
        monkeypatch.setenv("SHOP_URL", guarded.replace("@", f":{PASSWORD}@"))
        said = ["source.url=${oc.env:SHOP_URL}"]
    argv = [
        "source=sql",
        *said,
        "source.table=t",
        "source.columns=[x,y]",
        "target=y",
        "trainer=decision_tree",
        "packager=skops",
    ]
    code, out, err = hookline("run", *argv)
    assert code == 0, err
    assert PASSWORD not in out + err
    home = tmp_path / "hookline-home"
    told = [path for path in home.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert told == []


@pytest.mark.parametrize("password", [None, "two words + 50% & more?"])
def test_a_password_goes_with_the_user_of_a_service(
    guarded: str, password: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hookline_sql.servers.choosing import url_of
    from hookline_sql.servers.postgresql import _uri

    psycopg = pytest.importorskip("psycopg")
    wanted = password or PASSWORD
    place = "postgresql:///shop?service=shop&options=-c%20search_path%3Dpublic"
    told = psycopg.conninfo.conninfo_to_dict(_uri(url_of(place, wanted)))
    assert (told["password"], told["options"]) == (wanted, "-c search_path=public")

    host, port, name = re.fullmatch(r".*@(.*):(\d+)/(.*)", guarded).groups()  # type: ignore[union-attr]
    file = tmp_path / "services"
    file.write_text(f"[shop]\nhost={host}\nport={port}\ndbname={name}\nuser=guarded\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    run(guarded.replace("guarded@", "hookline@"), f"alter role guarded password '{wanted.replace('%', '%%')}'")
    source = {"url": "postgresql:///?service=shop", "table": "t", "order_by": ("x",)}
    assert rows_of(SqlSource(**source, password=Secret(wanted))).height == 100  # type: ignore[arg-type]


def test_a_driver_that_is_not_there_is_told_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingBackend, match=r"sql\]"):
        SqlSource(url="postgresql://me@127.0.0.1:1/x", table="t").load()


def test_a_url_that_is_none_or_of_an_unknown_dialect_is_told() -> None:
    for url, told in (("rows.db", "no URL"), ("nosuch://me@here/x", "no dialect 'nosuch'")):
        with pytest.raises(HooklineError, match=told):
            hl.profile({"component": "sql", "url": url, "table": "t"})
