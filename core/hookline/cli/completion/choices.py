"""What may stand at a place of the command line: runs, models, columns, rows and the like."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.workspace.catalog.sql.glance import glance
from hookline.workspace.catalog.sql.tables import FILE

MOST = 200
"""So many runs, sweeps or versions are offered, the newest."""
FEW = 20
"""So many runs are asked for the names of their metrics."""


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
    rows = _rows(home, "runs", ("id", "name", "status"), "-begun")
    return [Item("last", "the newest run"), *(Item(run, f"{name}: {status}") for run, name, status in rows)]


def sweep_items(home: Path) -> list[Item]:
    """Return sweeps, the newest first, with their overrides."""
    rows = _rows(home, "sweeps", ("id", "overrides"), "-begun")
    words = (Item(sweep, " ".join(json.loads(overrides))) for sweep, overrides in rows)
    return [Item("last", "the newest sweep"), *words]


def model_items(home: Path) -> list[Item]:
    """Return models and their versions."""
    versions = _rows(home, "models", ("name", "version", "format"), "name", "-version")
    aliases = _rows(home, "aliases", ("model", "alias", "version"), "model", "alias")
    return [
        *(Item(name) for name in dict.fromkeys(name for name, _, _ in versions)),
        *(Item(f"{name}:{version}", form) for name, version, form in versions),
        *(Item(f"{name}@{alias}", f"version {version}") for name, alias, version in aliases),
    ]


def alias_items(home: Path) -> list[Item]:
    """Return every alias that some model has."""
    return _distinct(home, "aliases", "alias")


def version_items(home: Path) -> list[Item]:
    """Return versions of data, the newest first."""
    rows = _rows(home, "datasets", ("fingerprint", "name", "rows"), "-first_seen")
    return [Item(fingerprint[:12], f"{name}, {count:,} rows") for fingerprint, name, count in rows]


def dataset_items(home: Path) -> list[Item]:
    """Return names of data."""
    return _distinct(home, "datasets", "name")


def metric_items(home: Path) -> list[str]:
    """Return the metrics of the newest runs that have ended."""
    ended = [metrics for (metrics,) in _rows(home, "runs", ("metrics",), "-begun") if metrics is not None]
    return list(dict.fromkeys(name for metrics in ended[:FEW] for name in json.loads(metrics)))


def _rows(home: Path, table: str, columns: Sequence[str], *order: str) -> list[tuple[Any, ...]]:
    return glance(home / FILE, table, columns, order=order, limit=MOST)


def _distinct(home: Path, table: str, column: str) -> list[Item]:
    rows = glance(home / FILE, table, (column,), order=(column,), limit=MOST, distinct=True)
    return [Item(value) for (value,) in rows]
