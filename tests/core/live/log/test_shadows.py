"""What a version said in the shadow of another, or of a table: on record, and mixed into nothing that traffic was told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline_polars.sources.prediction_log import PredictionLogSource
from kit.logs import write_log


@pytest.fixture
def shadowed(shop: Path) -> Path:
    """The model of which version 2 was also asked what version 1 was, and said the same half a second later."""
    asked = [record for record in hl.predictions("shop") if record["version"] == 1]
    later = [datetime.fromisoformat(record["time"]) + timedelta(seconds=0.5) for record in asked]
    beside = [
        {**record, "id": f"beside-{place}", "of": record["id"], "version": 2, "arm": "shadow", "time": time.isoformat()}
        for place, (record, time) in enumerate(zip(asked, later, strict=True))
    ]
    write_log(shop / "predictions" / "shop", beside, "3")
    return shop


@pytest.mark.parametrize("closed", [False, True], ids=["lines", "parquet"])
@pytest.mark.usefixtures("shadowed")
def test_scored_rows_are_answers_that_were_given(closed: bool) -> None:
    if closed:
        hl.compact_predictions("shop")
    assert len([*hl.predictions("shop")]) == 400
    assert hl.scored("shop").frame.collect()["version"].to_list() == [1] * 160 + [2] * 80
    assert hl.scored("shop:2").frame.collect().height == 80
    assert sum(group.records for group in hl.labels("shop").groups) == 240


@pytest.mark.parametrize("closed", [False, True], ids=["lines", "parquet"])
@pytest.mark.usefixtures("shadowed")
def test_what_was_true_of_the_answer_that_was_given_is_true_of_the_one_beside_it(closed: bool) -> None:
    asked = [record for record in hl.predictions("shop:1") if record["version"] == 1]
    hl.label("shop", pl.DataFrame({"id": [record["id"] for record in asked], "bought": ["yes"] * len(asked)}))
    if closed:
        hl.compact_predictions("shop")
    found = hl.scored("shop", arm="shadow").frame.collect()
    assert (found.height, found["truth"].to_list()) == (160, ["yes"] * 160)
    assert hl.scored("shop:1").frame.collect()["truth"].to_list() == ["yes"] * 160


@pytest.mark.usefixtures("shadowed")
def test_a_label_by_key_finds_the_answer_that_was_given() -> None:
    asked = next(record for record in hl.predictions("shop:1"))
    told = {"customer": [asked["row"]["customer"]], "bought": ["yes"]}
    # Nearer to what was said in the shadow.
    told["when"] = [(datetime.fromisoformat(asked["time"]) + timedelta(seconds=0.5)).isoformat()]
    assert hl.label("shop", pl.DataFrame(told), by="customer", time="when").aside == 0
    found = hl.scored("shop:1").frame.filter(pl.col("prediction_id") == asked["id"]).collect()
    assert found["truth"].to_list() == ["yes"]


@pytest.mark.parametrize("closed", [False, True], ids=["lines", "parquet"])
def test_answers_to_a_table_are_not_mixed_into_those_of_traffic(shop: Path, closed: bool) -> None:
    table = [
        {**record, "id": f"table-{place}", "arm": "batch", "row": {**record["row"], "size": 1e6}}
        for place, record in enumerate(hl.predictions("shop:1"))
    ]
    write_log(shop / "predictions" / "shop", table, "4")
    hl.label("shop", {"id": [record["id"] for record in table], "bought": ["yes"] * len(table)})
    if closed:
        hl.compact_predictions("shop")
    live = replace(hl.predictions("shop"), given=True, served=True)
    assert (live.count(), len(live.newest(400)), live.facts().height) == (240, 240, 240)
    assert hl.scored("shop").frame.collect().height == 240
    assert "size" not in {finding.subject for finding in hl.monitor("shop")["data_drift"].findings}
    assert hl.labels("shop").labeled == 160
    found = hl.scored("shop", arm="batch").frame.collect()
    assert found["truth"].to_list() == ["yes"] * 160
    assert PredictionLogSource("shop", arm="batch").load().frame.collect().height == 160
