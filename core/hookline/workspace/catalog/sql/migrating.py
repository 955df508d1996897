"""A catalog of an earlier format lifted to this one, after a copy of it was put beside it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.errors import StoreError

from .database import FORMAT, LIFTED
from .engine import engine_of, failures, file_of, shown, store_error
from .tables import sqlalchemy_tables

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table


@dataclass(frozen=True)
class Migration:
    """From which format to which. copy: of the file as it was; None for a server, or where nothing was to be done"""

    before: int
    after: int
    copy: Path | None = None


def migrate(url: str) -> Migration:
    """Lift a catalog to this format, in one transaction; one that has it stays as it is.

    url: as `catalog_url` gives it. Raises StoreError where there is none, or of a format that is not lifted.
    """
    from sqlalchemy import inspect

    file, engine, meta = file_of(url), engine_of(url), sqlalchemy_tables()["meta"]
    try:
        # Of a file that is not there, asking would make one.
        there = (file is None or file.is_file()) and inspect(engine).has_table(meta.name)
        before = _format(engine, meta) if there else None
        if before is None:
            raise StoreError(f"there is no catalog at {shown(url)}", hint="the first command that needs one makes it")
        if before == FORMAT:
            return Migration(before, FORMAT)
        if before not in LIFTED:
            raise StoreError(
                f"the catalog {shown(url)} has format {before}, and {', '.join(map(str, LIFTED))} is lifted to {FORMAT}",
                hint="use the hookline that wrote it, or move the catalog away to begin a new one",
            )
        copy = _copied(url, before)
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                # Our engine begins no transaction by itself, and SQLite then commits each statement.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            # All that has come since 6 is tables of their own.
            meta.metadata.create_all(connection)
            connection.execute(meta.update().values(format=FORMAT))
            connection.commit()
    except failures() as error:
        raise store_error(url, error) from error
    finally:
        engine.dispose()
    return Migration(before, FORMAT, copy)


def _format(engine: Engine, meta: Table) -> int | None:
    with engine.connect() as connection:
        found = connection.execute(meta.select().with_only_columns(meta.c.format)).scalar()
    return None if found is None else int(found)


def _copied(url: str, before: int) -> Path | None:
    """Put a copy of a SQLite catalog beside it, whatever others write to it meanwhile."""
    file = file_of(url)
    if file is None:
        return None
    copy = file.with_name(f"{file.name}.format-{before}")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy
