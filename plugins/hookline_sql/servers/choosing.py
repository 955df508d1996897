"""Which server stands behind a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.errors import DataError
from hookline.telling.secrets import redacted

from .duckdb import DuckdbServer
from .others import MysqlServer, SqlalchemyServer
from .postgresql import PostgresqlServer
from .server import Server
from .sqlite import SqliteServer

if TYPE_CHECKING:
    import sqlalchemy as sa

OURS: dict[str, type[Server]] = {
    "postgresql": PostgresqlServer,
    "postgres": PostgresqlServer,
    "sqlite": SqliteServer,
    "duckdb": DuckdbServer,
}
"""By the whole name of the driver: a URL that names another, such as postgresql+psycopg, is SQLAlchemy's to read."""


def url_of(text: str, password: str | None) -> sa.URL:
    """Return a URL with its password in it; raises DataError for a text that is none."""
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError

    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        raise DataError(
            f"source.url is no URL of a database: {redacted(text)!r}",
            hint="such as postgresql://user@host/database, mysql://..., sqlite:///rows.db, duckdb:///rows.duckdb",
        ) from None
    return url if password is None else url.set(password=password)


def server_at(url: sa.URL) -> Server:
    """Return the database at a URL."""
    if url.get_backend_name() in ("mysql", "mariadb"):
        return MysqlServer(url)
    return OURS.get(url.drivername, SqlalchemyServer)(url)
