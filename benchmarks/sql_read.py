"""A table of PostgreSQL into a matrix: source=sql against pandas.read_sql and connectorx, in one run.

    python benchmarks/sql_read.py postgresql://user@host/database [--rows 1000000]

Makes a table of 10 columns of numbers in that database, and drops it at the end. Each way is a process of its own; they take
turns, and the best of three counts. Memory is what the process grew by at its peak.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

TABLE = "hookline_bench_sql_read"
COLUMNS = 10
WAYS = ("hookline", "hookline, 2 connections", "pandas.read_sql", "connectorx", "connectorx, 2 partitions")
ROUNDS = 3


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("url", help="of PostgreSQL, without a driver")
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--way", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.way is not None:
        measure(given.way, given.url)
        return
    import psycopg

    numbers = ", ".join(f"n * {place + 1}.5::double precision as x{place}" for place in range(COLUMNS))
    with psycopg.connect(given.url, autocommit=True) as connection:
        connection.execute(f"create table {TABLE} as select n as id, {numbers} from generate_series(1, {given.rows}) n")
        connection.execute(f"alter table {TABLE} add primary key (id)")
        connection.execute(f"analyze {TABLE}")
        try:
            best = {way: (float("inf"), 0.0) for way in WAYS}
            for _ in range(ROUNDS):
                for way in WAYS:
                    best[way] = min(best[way], run(way, given.url))
        finally:
            connection.execute(f"drop table {TABLE}")
    print(f"{given.rows:,} rows, {COLUMNS} columns")
    for way, (seconds, grown) in best.items():
        print(f"{way:26} {seconds:7.2f} s {grown:8.0f} MiB")


def run(way: str, url: str) -> tuple[float, float]:
    """Return seconds and MiB of one way, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, url, "--way", way], check=True, capture_output=True, text=True
    ).stdout.split()
    return float(done[0]), float(done[1])


def measure(way: str, url: str) -> None:
    """Read the table into a matrix, float64 (rows, COLUMNS), and print seconds and MiB; imports are not counted."""
    names = [f"x{place}" for place in range(COLUMNS)]
    query = f"select {', '.join(names)} from {TABLE}"
    several = way.rstrip("s").endswith(("connection", "partition"))
    if way.startswith("hookline"):
        import adbc_driver_postgresql.dbapi
        import numpy as np
        import polars as pl  # noqa: F401
        import pyarrow as pa  # noqa: F401

        from hookline_sql import SqlSource

        source = SqlSource(url=url, table=TABLE, columns=("id", *names), key="id", connections=2 if several else 1)

        def read() -> np.ndarray:
            return source.load().frame.select(names).collect().to_numpy()

        assert adbc_driver_postgresql
    elif way.startswith("pandas"):
        import numpy as np
        import pandas as pd
        import sqlalchemy as sa

        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))

        def read() -> np.ndarray:
            return pd.read_sql(query, engine).to_numpy()
    else:
        import connectorx as cx
        import numpy as np

        split = {"partition_on": "id", "partition_num": 2} if several else {}

        def read() -> np.ndarray:
            return cx.read_sql(url, query.replace("select", "select id,"), return_type="polars", **split)[
                names
            ].to_numpy()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    matrix = read()
    took = time.perf_counter() - started
    assert matrix.shape[1] == COLUMNS
    print(took, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


if __name__ == "__main__":
    main()
