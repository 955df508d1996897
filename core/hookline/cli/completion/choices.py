"""What may stand at a place of the command line: runs, models, columns, rows and the like."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

MOST = 200
"""So many runs, sweeps or versions are offered, the newest."""


@dataclass(frozen=True)
class Item:
    """One word that may stand next, and what it means."""

    text: str
    help: str = ""


def paths(typed: str, endings: tuple[str, ...] | None) -> Iterator[Item]:
    """Yield the files and folders that a path may go on with; only folders where `endings` is None."""
    above, slash, begun = typed.rpartition("/")
    folder = Path(os.path.expanduser(f"{above}{slash}" or "."))  # noqa: PTH111  Path drops what the user typed
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if not entry.name.startswith(begun) or (entry.name.startswith(".") and not begun.startswith(".")):
            continue
        if entry.is_dir():
            yield Item(f"{above}{slash}{entry.name}/")
        elif endings is not None and entry.name.endswith(endings or ("",)):
            yield Item(f"{above}{slash}{entry.name}")


def column_items(words: Sequence[str]) -> list[str]:
    """Return the columns of the CSV file that `source.path` names on the line."""
    given = {word.partition("=")[0]: word.partition("=")[2] for word in words}
    path = Path(given.get("source.path", "")).expanduser()
    if path.suffix != ".csv" or not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace", newline="") as lines:
        first = lines.readline(100_000)
    return next(csv.reader([first], delimiter=given.get("source.separator", ",")[:1] or ","), [])


def run_items(home: Path) -> list[Item]:
    """Return runs, the newest first, with name and status."""
    rows = _rows(home, "SELECT id, name, status FROM hookline_runs ORDER BY started DESC, id DESC LIMIT ?")
    return [Item("last", "the newest run"), *(Item(str(run), f"{name}: {status}") for run, name, status in rows)]


def sweep_items(home: Path) -> list[Item]:
    """Return sweeps, the newest first, with their overrides."""
    rows = _rows(home, "SELECT id, overrides FROM hookline_sweeps ORDER BY created DESC, id DESC LIMIT ?")
    return [
        Item("last", "the newest sweep"),
        *(Item(str(sweep), " ".join(json.loads(overrides))) for sweep, overrides in rows),
    ]


def model_items(home: Path) -> list[Item]:
    """Return models and their versions."""
    versions = _rows(home, "SELECT name, version, format FROM hookline_models ORDER BY name, version DESC LIMIT ?")
    aliases = _rows(home, "SELECT model, alias, version FROM hookline_aliases ORDER BY model, alias LIMIT ?")
    return [
        *(Item(name) for name in dict.fromkeys(str(row[0]) for row in versions)),
        *(Item(f"{name}:{version}", str(form)) for name, version, form in versions),
        *(Item(f"{name}@{alias}", f"version {version}") for name, alias, version in aliases),
    ]


def alias_items(home: Path) -> list[Item]:
    """Return every alias that some model has."""
    rows = _rows(home, "SELECT DISTINCT alias FROM hookline_aliases ORDER BY alias LIMIT ?")
    return [Item(str(alias)) for (alias,) in rows]


def version_items(home: Path) -> list[Item]:
    """Return versions of data, the newest first."""
    query = "SELECT fingerprint, name, rows FROM hookline_datasets ORDER BY first_seen DESC LIMIT ?"
    return [Item(str(mark)[:12], f"{name}, {rows:,} rows") for mark, name, rows in _rows(home, query)]


def dataset_items(home: Path) -> list[Item]:
    """Return names of data."""
    return [
        Item(str(name)) for (name,) in _rows(home, "SELECT DISTINCT name FROM hookline_datasets ORDER BY name LIMIT ?")
    ]


def metric_items(home: Path) -> list[str]:
    """Return the metrics of the newest runs."""
    query = "SELECT metrics FROM hookline_runs WHERE metrics IS NOT NULL ORDER BY started DESC LIMIT MIN(?, 20)"
    return list(dict.fromkeys(name for (metrics,) in _rows(home, query) for name in json.loads(metrics)))


def _rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query, with a bound on how many; none where there is no catalog to read."""
    import sqlite3

    path = home / "catalog.db"
    # Opening a catalog that nobody writes to would make its write-ahead log anew; `immutable` leaves the folder alone.
    quiet = "" if path.with_name("catalog.db-wal").exists() else "&immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro{quiet}", uri=True, timeout=0.05)) as connection:
            return connection.execute(query, (MOST,)).fetchall()
    except sqlite3.Error:
        return []
