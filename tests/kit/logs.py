"""Prediction logs as servers write them, without a server."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hookline as hl

END = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
"""When the last answer of a log of a test was given."""


def records_of(
    model: str, rows: Sequence[dict[str, Any]], times: Iterable[datetime], home: Path, first: int = 0
) -> list[dict[str, Any]]:
    """Return the records of what a version, such as `shop:1`, answers to rows at these times; ids go up from `first`."""
    answers = hl.load(model, home=home).predict(list(rows))
    name, _, version = model.partition(":")
    shares = [None] * len(rows) if answers.probabilities is None else answers.probabilities.tolist()
    return [
        {
            "id": f"{name}-{first + place:05}",
            "time": time.isoformat().replace("+00:00", "Z"),
            "model": name,
            "version": int(version),
            "row": row,
            "row_id": None,
            "prediction": answer,
            "probabilities": share,
            "warnings": [],
        }
        for place, (row, time, answer, share) in enumerate(
            zip(rows, times, answers.values.tolist(), shares, strict=True)
        )
    ]


def write_log(folder: Path, records: Iterable[dict[str, Any]], writer: str = "1") -> None:
    """Append records to the files of one writer, one a day."""
    folder.mkdir(parents=True, exist_ok=True)
    for record in records:
        with (folder / f"predictions-{record['time'][:10]}-{writer}.ndjson").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as on a disk that is full there."""
    held = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, held[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, held)


def plain_record(number: int, time: datetime, **more: Any) -> dict[str, Any]:
    """Return a record of `plain`, a model that need not be there."""
    return {
        "id": f"p-{number:05}",
        "time": time.isoformat().replace("+00:00", "Z"),
        "model": "plain",
        "version": 1,
        "row": {"customer": f"c{number % 7}", "size": number / 4, "many": number % 3},
        "row_id": None,
        "prediction": "yes" if number % 2 else "no",
        "probabilities": [1 - number % 2, number % 2],
        "warnings": [],
        **more,
    }
