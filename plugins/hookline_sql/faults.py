"""What went wrong between us and a database, in one line and with one thing to do; never with a password in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline.errors import DataError
from hookline.telling.secrets import redacted

if TYPE_CHECKING:
    import sqlalchemy as sa

LONGEST = 300
"""Characters of a driver's words that are told."""


@dataclass(frozen=True)
class _Fault:
    """A kind of fault: how drivers tell it, and what to do."""

    states: tuple[str, ...]
    """SQLSTATE codes, or how they begin."""
    numbers: tuple[int, ...]
    """Error numbers of MariaDB and MySQL."""
    words: str
    """A pattern in the message of those that give neither."""
    hint: str


FAULTS = (
    _Fault(
        ("28",),
        (1044, 1045, 1698),
        r"password authentication failed|no password supplied|role .* does not exist|access denied",
        "give source.password as ${oc.env:DB_PASSWORD}; PostgreSQL also takes PGPASSWORD, ~/.pgpass and service files",
    ),
    _Fault(
        ("3D000",),
        (1049,),
        r"database .* does not exist|unable to open database file|database does not exist",
        "look at the end of source.url: it names the database",
    ),
    _Fault(
        ("42P01", "3F000"),
        (1146,),
        r"[Nn]o such table|Table with name .* does not exist",
        "look at source.table and source.schema, or at the tables that source.query names",
    ),
    _Fault(
        ("42703",),
        (1054,),
        r"no such column|Referenced column .* not found",
        "the columns have changed, or a name is mistyped: look at source.columns, key, watermark and order_by",
    ),
    _Fault(("42501",), (1142, 1143, 1227), r"permission denied", "grant the user the right to select from it"),
    _Fault(("42601",), (1064,), r"syntax error|Parser Error", "try the query in the database's own client"),
    _Fault(
        ("25006",), (1792,), r"readonly database|read-only", "a source only reads: source.query must change nothing"
    ),
    _Fault(
        ("57P", "08"),
        (2006, 2013, 1927, 4031),
        r"server closed the connection|terminating connection|connection .* lost|[Ll]ost connection|connection is closed",
        "look whether the server runs, and run again: nothing that was half read is kept",
    ),
    _Fault(
        (),
        (2002, 2003, 2005),
        r"[Cc]onnection refused|could not translate host|[Tt]imeout|timed out|[Ff]ailed to connect|Can't connect",
        "look at host and port in source.url, and whether the server runs",
    ),
)
OTHER = "try the query in the database's own client"


def fault_of(error: BaseException, url: sa.URL) -> DataError:
    """Return what a driver raised as an error of ours."""
    from .servers.server import place_of

    told = _told(error)
    state = str(getattr(error, "sqlstate", None) or "")
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    hint = next((f.hint for f in FAULTS if _is(f, state, number, told)), OTHER)
    return DataError(redacted(f"{place_of(url)}: {told}"), hint=hint)


def _is(fault: _Fault, state: str, number: int | None, told: str) -> bool:
    if number is not None:
        return number in fault.numbers
    if state:
        return bool(fault.states) and state.startswith(fault.states)
    return re.search(fault.words, told) is not None


def _told(error: BaseException) -> str:
    """Return the driver's own words without its prefixes and the query, which may be long."""
    text = str(error.args[1]) if len(error.args) > 1 and isinstance(error.args[0], int) else str(error)
    text = text.partition("\n\nQuery was:")[0].partition("[SQL:")[0]
    text = re.split(r"ERROR:\s+|FATAL:\s+|DETAIL:\s+", text, maxsplit=1)[-1]
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    first = re.sub(r"^[A-Z_]+: (\[libpq\] )?", "", lines[0]) if lines else type(error).__name__
    first = re.sub(r"\. SQLSTATE: \w+$", "", first)
    return first if len(first) <= LONGEST else f"{first[: LONGEST - 3]}..."
