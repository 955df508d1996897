"""Real tables in a file, in databases and behind a server: the same data, and models that measure the same to the last digit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline import Source
from hookline.data.versions import version_of
from hookline_http import HttpSource
from hookline_polars import FileSource
from hookline_sql import SqlSource
from kit.apis import Api, Reply
from kit.databases import put

ADULT = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital", "occupation", "relationship", "race"),
    *("sex", "capital_gain", "capital_loss", "hours", "country", "income"),
)
TABLES: Mapping[str, tuple[dict[str, Any], str]] = {
    "titanic": ({"path": "titanic.csv"}, "survived"),
    "taxis": ({"path": "taxis.csv"}, "tip"),
    "diamonds": ({"path": "diamonds.csv"}, "price"),
    "adult": (
        {"path": "adult-train.csv", "header": False, "columns": ADULT, "strip": True, "missing": ("?",)},
        "income",
    ),
}
"""Table -> how its file is read, and what is predicted."""


def metrics(source: Source, target: str) -> dict[str, float]:
    return hl.run(source=source, target=target, trainer="decision_tree", packager=[], deployer=None).metrics


@pytest.mark.parametrize(
    "name", ["titanic", *(pytest.param(name, marks=pytest.mark.long) for name in ("taxis", "diamonds", "adult"))]
)
def test_a_table_is_the_same_data_and_makes_the_same_model_wherever_it_lies(
    name: str, shared_data: Path, database: Callable[[str], str]
) -> None:
    fields, target = TABLES[name]
    file = FileSource(**{**fields, "path": shared_data / fields["path"]})
    rows = file.load().frame.collect()
    wanted = version_of(rows.lazy(), name).fingerprint
    measured = metrics(file, target)
    assert measured
    for system in ("postgresql", "mariadb", "duckdb", "sqlite"):
        url = database(system)
        put(url, name, rows)
        source = SqlSource(url=url, table=name, columns=tuple(rows.columns))
        assert version_of(source.load().frame, name).fingerprint == wanted, system
        assert metrics(source, target) == measured, system
    with Api(lambda _: Reply(Path(file.path).read_bytes(), "text/csv")) as api:
        answered = HttpSource(url=api.url, read=file)
        assert version_of(answered.load().frame, name).fingerprint == wanted
        assert metrics(answered, target) == measured


def test_a_large_table_is_read_in_little_memory(postgresql_url: str) -> None:
    import subprocess
    import sys

    url = postgresql_url.replace("+psycopg", "")
    from kit.databases import run

    run(
        url,
        "create table big as select n as id, md5(n::text) as a, md5((n + 1)::text) as b from generate_series(1, 2000000) n",
    )
    code = f"""
import resource
from hookline_sql import SqlSource
frame = SqlSource(url={url!r}, query="select * from big where id > :least", parameters={{"least": 0}}).load().frame
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = sum(batch.height for batch in frame.collect_batches(chunk_size=50_000))
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    rows, grown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert (int(rows), int(grown) < 120) == (2_000_000, True), grown
