"""The catalog's tables as plain data: whoever reads or writes one takes its names from here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from .spec import Sort, TableSpec
from .watching import WATCHING

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.types import TypeEngine

FILE = "catalog.db"
"""The catalog's file in a home that shares no other database."""

TABLES: Mapping[str, TableSpec] = {
    "meta": TableSpec("hookline_meta", {"format": "integer"}),
    "runs": TableSpec(
        "hookline_runs",
        {
            "id": "key",
            "name": "word",
            "status": "word",
            "host": "word",
            "path": "text",
            "config": "text",
            "plan": "text",
            "metrics": "text",
            "error": "text",
            "owner": "word",
            "beat": "float",
            "heard": "moment",
            "begun": "integer",
            "started": "moment",
            "finished": "moment",
        },
        indexed=("begun",),
    ),
    "stages": TableSpec(
        "hookline_stages",
        {
            "id": "number",
            "run_id": "word",
            "key": "word",
            "kind": "word",
            "component": "word",
            "status": "word",
            "fingerprint": "word",
            "parts": "text",
            "why": "text",
            "seconds": "float",
            "recorded": "moment",
        },
    ),
    "datasets": TableSpec(
        "hookline_datasets",
        {
            "fingerprint": "key",
            "name": "word",
            "columns": "text",
            "origin": "text",
            "profile": "text",
            "rows": "integer",
            "first_seen": "moment",
        },
        indexed=("first_seen",),
    ),
    # Which run saw which version of data.
    "dataset_runs": TableSpec(
        "hookline_dataset_runs",
        {"id": "number", "fingerprint": "word", "run_id": "word"},
        unique=("fingerprint", "run_id"),
    ),
    "models": TableSpec(
        "hookline_models",
        {
            "id": "number",
            "name": "word",
            "run_id": "word",
            "format": "word",
            "fingerprint": "word",
            # Empty once it was deleted: its number is not given again.
            "path": "text",
            "metrics": "text",
            "version": "integer",
            "created": "moment",
        },
        unique=("name", "version"),
    ),
    "aliases": TableSpec(
        "hookline_aliases",
        {"id": "number", "model": "word", "alias": "word", "version": "integer", "since": "moment"},
        unique=("model", "alias"),
    ),
    # What was done to versions beside putting them in charge; one is added, and none is ever changed.
    "acts": TableSpec(
        "hookline_acts",
        {
            "id": "number",
            "model": "word",
            "version": "integer",
            "act": "word",
            "facts": "text",
            "reason": "text",
            "who": "word",
            "at": "moment",
        },
    ),
    "deployments": TableSpec(
        "hookline_deployments",
        {
            "id": "number",
            "model": "word",
            "deployer": "word",
            "policy": "text",
            "reason": "text",
            "who": "word",
            "figures": "text",
            "created": "moment",
        },
    ),
    # What a server's process saw of one arm while one policy was in force; it says it again and again, always the whole.
    "sightings": TableSpec(
        "hookline_sightings",
        {
            "id": "number",
            "model": "word",
            "policy": "integer",
            "version": "integer",
            "arm": "word",
            "worker": "word",
            "requests": "long",
            "errors": "long",
            "latency": "text",
            "compared": "text",
            "answers": "text",
            "heard": "moment",
        },
        unique=("model", "policy", "version", "arm", "worker"),
    ),
    # What came to the same by time: a row a process and part of the grid, added up; `latency`: bucket -> requests.
    "traffic": TableSpec(
        "hookline_traffic",
        {
            "id": "number",
            "model": "word",
            "version": "integer",
            "arm": "word",
            "worker": "word",
            "cell": "moment",
            "requests": "long",
            "errors": "long",
            "latency": "text",
        },
        unique=("model", "version", "arm", "worker", "cell"),
        indexed=("cell",),
    ),
    # Who asks a model's deployer what comes next.
    "controllers": TableSpec(
        "hookline_controllers",
        {"model": "key", "owner": "word", "host": "word", "beat": "float", "heard": "moment"},
    ),
    # What turned out to be true of recorded answers; one is added, and none is ever changed.
    "labels": TableSpec(
        "hookline_labels",
        {
            "id": "number",
            "model": "word",
            "prediction_id": "word",
            "key": "text",
            "value": "text",
            "origin": "text",
            "became": "moment",
            "added": "moment",
        },
    ),
    "sweeps": TableSpec(
        "hookline_sweeps",
        {
            "id": "key",
            "path": "text",
            "overrides": "text",
            "settings": "text",
            "stages": "text",
            "begun": "integer",
            "created": "moment",
        },
        indexed=("begun",),
    ),
    "jobs": TableSpec(
        "hookline_jobs",
        {
            "id": "number",
            "sweep_id": "word",
            "status": "word",
            "run_id": "word",
            "host": "word",
            "overrides": "text",
            "config": "text",
            "fingerprints": "text",
            "path": "text",
            "error": "text",
            "metrics": "text",
            "number": "integer",
            "trial": "integer",
            "owner": "word",
            "beat": "float",
            "heard": "moment",
            "peak_memory": "long",
            "seconds": "float",
            "started": "moment",
        },
        unique=("sweep_id", "number"),
    ),
    **WATCHING,
}
"""Every table by its short name."""


@cache
def sqlalchemy_tables() -> Mapping[str, Table]:
    """Return every table by its short name, as SQLAlchemy has it; made once, since that takes longer than opening a file."""
    from sqlalchemy import MetaData, Table

    meta = MetaData()
    return {short: Table(spec.name, meta, *_parts(spec)) for short, spec in TABLES.items()}


def _parts(spec: TableSpec) -> Iterator[Any]:
    from sqlalchemy import Column, UniqueConstraint

    types = _types()
    for name, sort in spec.columns.items():
        own = sort in ("key", "number")
        yield Column(name, types[sort], primary_key=own, index=sort == "word" or name in spec.indexed)
    if spec.unique:
        yield UniqueConstraint(*spec.unique)


def _types() -> dict[Sort, TypeEngine[Any]]:
    from sqlalchemy import BigInteger, DateTime, Float, Integer, String, Text

    return {
        "key": String(128),
        "number": Integer(),
        "word": String(255),
        "text": Text(),
        "integer": Integer(),
        "long": BigInteger(),
        "float": Float(),
        "moment": DateTime(timezone=True),
    }
