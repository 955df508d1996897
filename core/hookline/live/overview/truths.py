"""How much is known of what was true of answers, counted as long as the log is short enough to be read for a page."""

from __future__ import annotations

from pathlib import Path

from hookline.errors import DataError
from hookline.workspace.workspace import open_workspace

from ..log.predictions import predictions_in
from ..log.status import LabelStatus, labels

RECENT = "30d"
"""How far back answers are counted."""
MOST_BYTES = 256 * 1024**2
"""Of the log's files of that time, beyond which they are not counted."""


def truth_by_age(model: str, *, most: int = MOST_BYTES, home: str | Path | None = None) -> LabelStatus | None:
    """Return how many answers of the last 30 days have their truth, by version and age; None where the log is too long.

    most: bytes of its files that are read. Raises UnknownName.
    """
    found = predictions_in(open_workspace(home), model, RECENT)
    if sum(_size(path) for path in found.files()) > most:
        return None
    try:
        return labels(model, RECENT, home=home)
    except DataError:
        # Nothing is on record yet, or not yet whole.
        return LabelStatus(model, (), 0)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # It was closed meanwhile, and stands in another.
        return 0
