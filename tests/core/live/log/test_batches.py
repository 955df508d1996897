"""Answers to a chunk of rows, put on record at once and once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.live.segments.batches import Batch, record_batch
from kit.logs import full_after

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROWS = pl.DataFrame({"size": [1.0, float("nan")], "seen": [NOON.replace(tzinfo=None)] * 2, "plan": ["pro", None]})
ANSWERS = hl.Prediction(
    np.array(["yes", "no"]), np.array([[0.25, 0.75], [0.5, 0.5]]), ("no", "yes"), warnings={1: ("odd",)}
)


def test_a_chunk_is_on_record_once_however_often_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path))
    folder = tmp_path / "predictions" / "plain"
    ids = record_batch(folder, ROWS, ANSWERS, Batch("plain", 3, NOON, "job1x0"))
    assert record_batch(folder, ROWS, ANSWERS, Batch("plain", 3, NOON, "job1x0")) == ids
    other = record_batch(
        folder, ROWS, ANSWERS, Batch("plain", 3, NOON, "job1x1", "batch", lambda row: {"plan": row["plan"]})
    )
    assert len({*ids, *other}) == 4
    first, second = (record for record in hl.predictions("plain", version=3) if record["arm"] is None)
    assert [first["id"], second["id"]] == ids
    assert first["row"] == {"size": 1.0, "seen": "2026-11-20T12:00:00", "plan": "pro"}
    assert second["row"] == {"size": None, "seen": "2026-11-20T12:00:00", "plan": None}
    assert (first["prediction"], first["probabilities"], second["warnings"]) == ("yes", [0.25, 0.75], ["odd"])
    assert [record["row"] for record in hl.predictions("plain", arm="batch")] == [{"plan": "pro"}, {"plan": None}]


def test_a_chunk_that_the_disk_does_not_take_is_not_on_record(tmp_path: Path) -> None:
    with full_after(100), pytest.raises(OSError, match="large"):
        record_batch(tmp_path / "log", ROWS, ANSWERS, Batch("plain", 3, NOON, "x"))
    assert list((tmp_path / "log").iterdir()) == []
