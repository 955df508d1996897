"""`hookline predict`: score a file of rows."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api import load_registry
from ..errors import DataError, UsageError
from .output import parser, say
from .packages_at import add_trust, load_named, read_table, trust_of

if TYPE_CHECKING:
    import polars as pl

BATCH_ROWS = 200_000
FORMATS = (".csv", ".parquet", ".ndjson", ".arrow")


def main(argv: Sequence[str]) -> int:
    """Score a file: one prediction a row, in order."""
    options = parser("predict", "Score a file of rows: one prediction a row, in order.")
    options.add_argument("model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    options.add_argument("data", help="a CSV, Parquet, NDJSON or Arrow file, a glob or a folder")
    options.add_argument(
        "-o", "--output", type=Path, help=f"write here ({', '.join(FORMATS)}) instead of CSV to stdout"
    )
    add_trust(options)
    given = options.parse_args(argv)
    if given.output and given.output.suffix not in FORMATS:
        raise UsageError(f"--output must end in one of {', '.join(FORMATS)}, got '{given.output}'")
    loaded, _ = load_named(given.model, trust_of(given))
    rows = read_table(load_registry(), given.data).frame
    done = _to_file(loaded, rows, given.output) if given.output else _to_stdout(loaded, rows)
    say(f"{done['rows']:,} rows, {done['strange']:,} of them unlike the training data")
    return 0


def _to_stdout(loaded: Any, rows: pl.LazyFrame) -> dict[str, int]:
    done = {"rows": 0, "strange": 0}
    for frame in _predicted(loaded, rows, done):
        sys.stdout.write(frame.write_csv(include_header=done["rows"] == frame.height))
    return done


def _to_file(loaded: Any, rows: pl.LazyFrame, path: Path) -> dict[str, int]:
    """Write through a temporary sibling, so that a killed or failed command leaves no half-written file."""
    import polars as pl

    done = {"rows": 0, "strange": 0}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        whole = pl.concat(list(_predicted(loaded, rows, done)))
        writers = {
            ".csv": whole.write_csv,
            ".parquet": whole.write_parquet,
            ".ndjson": whole.write_ndjson,
            ".arrow": whole.write_ipc,
        }
        writers[path.suffix](temporary)
        temporary.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return done


def _predicted(loaded: Any, rows: pl.LazyFrame, done: dict[str, int]) -> Any:
    import polars as pl

    total = rows.select(pl.len()).collect().item()
    if total == 0:
        raise DataError("there are no rows to predict")
    for start in range(0, total, BATCH_ROWS):
        batch = rows.slice(start, BATCH_ROWS).collect()
        prediction = loaded.predict(batch)
        notes = ["; ".join(prediction.warnings.get(row, ())) for row in range(batch.height)]
        frame = prediction.frame()
        if "row_id" in frame.columns and frame["row_id"].dtype.is_integer() and start:
            frame = frame.with_columns(pl.col("row_id") + (start if frame["row_id"][0] == 0 else 0))
        done["rows"] += batch.height
        done["strange"] += len(prediction.warnings)
        yield frame.with_columns(pl.Series("warnings", notes))
