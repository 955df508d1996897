"""What is on record of a run says why it ended, wherever it was called from."""

from __future__ import annotations

from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import DataError
from hookline.workspace.workspace import open_workspace


def test_a_run_that_fails_where_its_caller_handles_a_signal_is_failed_and_says_why(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text("a,y\n1,0\n2,0\n")
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        with pytest.raises(DataError):
            hl.run("source=file", f"source.path={table}", "target=y")
    (run,) = open_workspace().catalog.runs.newest()
    assert run.status == "failed"
    assert "leaves no test rows" in (run.error or "")
