"""The catalog's tables."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Column, MetaData, Table


def tables() -> dict[str, Table]:
    """Return every table by its short name."""
    from sqlalchemy import Column, Integer, MetaData

    meta = MetaData()
    about = _table(meta, "meta", Column("format", Integer))
    return {"meta": about, **_of_runs(meta), **_of_data(meta), **_of_models(meta), **_of_sweeps(meta)}


def _of_runs(meta: MetaData) -> dict[str, Table]:
    from sqlalchemy import Column, Float, Integer, String

    runs = _table(
        meta,
        "runs",
        Column("id", String(64), primary_key=True),
        *_words("name", "status", "host"),
        *_texts("path", "config", "plan", "metrics", "error"),
        Column("pid", Integer),
        _moment("started"),
        _moment("finished"),
    )
    stages = _table(
        meta,
        "stages",
        _number(),
        *_words("run_id", "key", "kind", "component", "status", "fingerprint"),
        *_texts("parts", "why"),
        Column("seconds", Float),
        _moment("recorded"),
    )
    return {"runs": runs, "stages": stages}


def _of_data(meta: MetaData) -> dict[str, Table]:
    from sqlalchemy import Column, Float, Integer, String, UniqueConstraint

    datasets = _table(
        meta,
        "datasets",
        Column("fingerprint", String(128), primary_key=True),
        *_words("name"),
        *_texts("columns", "origin", "profile"),
        Column("rows", Integer),
        _moment("first_seen"),
    )
    # Which run saw which version.
    seen = _table(
        meta, "dataset_runs", _number(), *_words("fingerprint", "run_id"), UniqueConstraint("fingerprint", "run_id")
    )
    features = _table(
        meta,
        "features",
        _number(),
        *_words("run_id", "dtype", "version"),
        *_texts("name", "inputs", "definition"),
        Column("importance", Float),
    )
    return {"datasets": datasets, "dataset_runs": seen, "features": features}


def _of_models(meta: MetaData) -> dict[str, Table]:
    from sqlalchemy import Column, Integer, UniqueConstraint

    models = _table(
        meta,
        "models",
        _number(),
        *_words("name", "run_id", "format", "fingerprint"),
        *_texts("path", "metrics"),
        Column("version", Integer),
        _moment("created"),
        UniqueConstraint("name", "version"),
    )
    aliases = _table(
        meta,
        "aliases",
        _number(),
        *_words("model", "alias"),
        Column("version", Integer),
        _moment("since"),
        UniqueConstraint("model", "alias"),
    )
    deployments = _table(
        meta, "deployments", _number(), *_words("model", "deployer"), *_texts("policy", "reason"), _moment("created")
    )
    return {"models": models, "aliases": aliases, "deployments": deployments}


def _of_sweeps(meta: MetaData) -> dict[str, Table]:
    from sqlalchemy import BigInteger, Column, Float, Integer, String, UniqueConstraint

    sweeps = _table(
        meta,
        "sweeps",
        Column("id", String(64), primary_key=True),
        *_texts("path", "overrides", "settings", "stages"),
        _moment("created"),
    )
    jobs = _table(
        meta,
        "jobs",
        _number(),
        *_words("sweep_id", "status", "run_id", "host"),
        *_texts("overrides", "config", "fingerprints", "path", "error", "metrics"),
        *(Column(name, Integer) for name in ("number", "trial", "pid")),
        Column("peak_memory", BigInteger),
        Column("seconds", Float),
        _moment("started"),
        UniqueConstraint("sweep_id", "number"),
    )
    return {"sweeps": sweeps, "jobs": jobs}


def _table(meta: MetaData, name: str, *columns: Any) -> Table:
    from sqlalchemy import Table

    return Table(f"hookline_{name}", meta, *columns)


def _number() -> Column[int]:
    from sqlalchemy import Column, Integer

    return Column("id", Integer, primary_key=True, autoincrement=True)


def _moment(name: str) -> Column[datetime]:
    from sqlalchemy import Column, DateTime

    return Column(name, DateTime(timezone=True))


def _words(*names: str) -> list[Column[str]]:
    from sqlalchemy import Column, String

    return [Column(name, String(255), index=True) for name in names]


def _texts(*names: str) -> list[Column[str]]:
    from sqlalchemy import Column, Text

    return [Column(name, Text) for name in names]
