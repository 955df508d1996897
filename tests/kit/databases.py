"""Tables put into real databases, so that their rows can be read back."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

import polars as pl
import sqlalchemy as sa

SYSTEMS = ("postgresql", "mariadb", "sqlite", "duckdb")
PLACE = "row_place"
"""The primary key of every table that is put into one, by which its rows keep their order."""
WORDS: dict[str, dict[Any, str]] = {
    "postgresql": {pl.Float64: "double precision", pl.Datetime: "timestamp", pl.String: "text"},
    "mysql": {pl.Float64: "double", pl.Datetime: "datetime(6)", pl.String: "text"},
    "sqlite": {pl.Float64: "real", pl.Datetime: "timestamp", pl.String: "text"},
    "duckdb": {pl.Float64: "double", pl.Datetime: "timestamp", pl.String: "varchar"},
}
SAME = {pl.Int64: "bigint", pl.Boolean: "boolean", pl.Date: "date"}


def put(url: str, name: str, frame: pl.DataFrame) -> None:
    """Make a table of a frame's columns and rows, in order."""
    kind = re.split(r"[:+]", url, maxsplit=1)[0]
    words = WORDS[kind] | SAME
    mark = "`" if kind == "mysql" else '"'
    columns = [f"{mark}{column}{mark} {words[type(dtype)]}" for column, dtype in frame.schema.items()]
    run(url, f"create table {name} ({PLACE} bigint primary key, {', '.join(columns)})")
    add(url, name, frame)


def add(url: str, name: str, frame: pl.DataFrame, start: int = 0) -> None:
    """Add a frame's rows to such a table; start: the place of the first."""
    kind = re.split(r"[:+]", url, maxsplit=1)[0]
    placed = frame.with_row_index(PLACE, start).with_columns(pl.col(PLACE).cast(pl.Int64))
    if kind == "duckdb":
        import duckdb

        with closing(duckdb.connect(url.removeprefix("duckdb:///"))) as connection:
            connection.sql(f"insert into {name} select * from placed")
    elif kind == "postgresql":
        import psycopg

        with (
            psycopg.connect(url.replace("+psycopg", "")) as connection,
            connection.cursor() as cursor,
            cursor.copy(f"copy {name} from stdin") as copy,  # type: ignore[arg-type]
        ):
            for row in placed.iter_rows():
                copy.write_row(row)
    elif kind == "sqlite":
        texts = placed.with_columns(pl.col(pl.Datetime).dt.to_string("iso"), pl.col(pl.Date).dt.to_string())
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            connection.executemany(f"insert into {name} values ({', '.join('?' * placed.width)})", texts.iter_rows())
    else:
        engine = _engine(url)
        with engine.begin() as connection:
            values = f"insert into {name} values ({', '.join(['%s'] * placed.width)})"
            connection.exec_driver_sql(values, list(placed.iter_rows()))


def run(url: str, *statements: str) -> None:
    """Run statements in a database, one after the other."""
    if url.startswith("duckdb"):
        import duckdb

        with closing(duckdb.connect(url.removeprefix("duckdb:///"))) as connection:
            for statement in statements:
                connection.execute(statement)
        return
    with _engine(url).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def _engine(url: str) -> sa.Engine:
    named = re.sub(r"^mysql:", "mysql+pymysql:", re.sub(r"^postgresql:", "postgresql+psycopg:", url))
    return sa.create_engine(named, poolclass=sa.NullPool)
