"""`hookline report`: write a run's report again, and say where it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hookline.errors import MissingBackend, StoreError
from hookline.registry.registry import load_registry
from hookline.runs.result import read_evidence
from hookline.workspace.workspace import open_workspace

from ..output import parser, say, tell


def main(argv: Sequence[str]) -> int:
    """Render report.html of a run."""
    options = parser("report", "Write a run's report.html again, and say where it is.")
    options.add_argument("run", nargs="?", default="last", help="`last`, an id, or its first letters")
    given = options.parse_args(argv)
    folder = Path(open_workspace().catalog.runs.get(given.run).path)
    page = folder / "report.html"
    try:
        load_registry().render("report", read_evidence(folder), page)
    except OSError as error:
        if not page.is_file():
            raise StoreError(
                f"{page} cannot be written: {error.strerror}",
                hint=f"hookline runs show {given.run} prints what it would say",
            ) from error
        say(f"it stays as it was: {page} cannot be written ({error.strerror})")
    if not page.is_file():
        raise MissingBackend("the report", "jinja2", "report")
    tell(page)
    return 0
