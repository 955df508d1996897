"""What the cells of a suite came to, a line each in a file that only grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hookline.kinds.plain import from_json

RESULTS = "results.ndjson"


@dataclass(frozen=True)
class Result:
    """What one cell came to.

    metrics: name -> value and whether more of it is better; seconds: of the pipeline's own stages, when they were last run
    """

    data: str
    pipeline: str
    repeat: int
    run: str
    status: str
    metrics: Mapping[str, tuple[float, bool]]
    seconds: float
    headline: str | None = None
    error: str | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """What its cell is known by."""
        return self.data, self.pipeline, self.repeat


def keep(path: Path, result: Result) -> None:
    """Add a result, on a line of its own also where a kill has cut the last one off."""
    with path.open("a+b") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        torn = size > 0 and file.read(1) != b"\n"
        file.write(b"\n" * torn + json.dumps(asdict(result)).encode() + b"\n")


def results_in(folder: Path) -> tuple[Result, ...]:
    """Return the results of a folder, the last of each cell; a line that a kill cut off counts as not there."""
    path = folder / RESULTS
    found: dict[tuple[str, str, int], Result] = {}
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            result = from_json(Result, json.loads(line))
        except (ValueError, RecursionError):
            continue
        found[result.key] = result
    return tuple(found.values())
