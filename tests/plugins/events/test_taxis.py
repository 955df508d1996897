"""A real table as events: taxi rides trained online, ride by ride."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from kit.brokers import RedisBus

FIELDS = ("pickup", "passengers", "distance", "color", "pickup_borough", "dropoff_borough", "fare")


def test_taxi_rides_are_learned_as_they_come(
    redis_server: RedisBus, topic: str, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_ALLOW_PICKLE", "1")
    table = pl.read_csv(shared_data / "taxis.csv").select(FIELDS).sort("pickup", maintain_order=True)
    rides = [{name: value for name, value in row.items() if value is not None} for row in table.to_dicts()]

    def source() -> hl.Source:
        return redis_server.source(topic, dtypes={"pickup": "datetime"})

    redis_server.add(topic, *rides[:3000])
    hl.run(
        source=source(),
        name="taxis",
        roles={"target": "fare", "time": "pickup", "ignore": ["event_time"]},
        trainer={"component": "river_regression", "optimizer": "ada_grad", "learning_rate": 0.1},
        featurizer={"tabular": {"component": "tabular", "numeric": "standard"}},
        packager=["pickle"],
        deployer="local",
        monitor=[],
    )
    seen = []
    for start in (3000, 3600):
        redis_server.add(topic, *rides[start : start + 600])
        update = hl.update_from("taxis", source())
        assert update is not None
        seen.append((update.version, update.rows, update.before["r2"].value > 0.7))
    assert seen == [(2, 600, True), (3, 600, True)]
    as_file = table.head(3000).with_columns(pl.col("pickup").str.to_datetime(time_unit="us"))
    as_events = source().load().frame.head(3000).select(FIELDS).collect()
    assert as_events.equals(as_file), "the rows are those of the file"
