"""Answers on record as scored rows, judged by the truth that labels tell, and watched without a table."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import DataError, UsageError
from hookline.kinds.artifacts import ROW_ID
from kit.logs import END, write_log


def told(first: int, last: int, wrong: int = 0) -> pl.DataFrame:
    """Return labels that say that the answers were right, but for the first `wrong` of them."""
    answers = [(record["id"], record["prediction"]) for record in hl.predictions("shop")][first:last]
    other = {"yes": "no", "no": "yes"}
    values = [other[value] if place < wrong else value for place, (_, value) in enumerate(answers)]
    return pl.DataFrame({"id": [name for name, _ in answers], "bought": values})


def test_rows_answers_and_what_the_log_says_of_them_stand_side_by_side(shop: Path) -> None:
    frame = hl.scored("shop").frame.collect()
    records = list(hl.predictions("shop"))
    assert frame[ROW_ID].to_list() == list(range(240))
    assert frame[ROW_ID].dtype == pl.Int64
    assert frame["prediction_id"].to_list() == [record["id"] for record in records]
    assert frame["prediction"].to_list() == [record["prediction"] for record in records]
    assert frame["probability_yes"].to_list() == [record["probabilities"][1] for record in records]
    assert frame["version"].to_list() == [1] * 160 + [2] * 80
    assert frame["time"].dtype == pl.Datetime("us", "UTC")
    assert frame["time"].max() == END
    assert frame["size"].to_list() == [record["row"]["size"] for record in records]
    assert "truth" not in frame.columns
    assert "arm" not in frame.columns


def test_a_raw_column_called_as_one_of_the_log_stands_aside_and_comes_back(shop: Path) -> None:
    scored = hl.scored("shop:2")
    asked = [record["row"]["version"] for record in hl.predictions("shop:2")]
    assert scored.frame.collect()["raw.version"].to_list() == asked
    assert scored.rows().frame.collect()["version"].to_list() == asked


def test_a_model_that_nobody_has_asked_yet_has_no_answers(shop: Path) -> None:
    shutil.rmtree(shop / "predictions")
    with pytest.raises(DataError, match="no answer of 'shop' is on record") as caught:
        hl.scored("shop")
    assert "`hookline serve shop` records what it answers" in str(caught.value.hint)


def test_times_and_versions_choose_the_rows(shop: Path) -> None:
    def heights(**given: Any) -> int:
        return hl.scored("shop", **given).frame.collect().height

    assert heights(since="1d") == 24
    assert heights(until=END - timedelta(days=1), version=2) == 55
    with pytest.raises(DataError, match="no answer of 'shop' is on record by version 1 since"):
        hl.scored("shop", since="1d", version=1)


def test_the_standard_evaluator_judges_live_answers_by_what_was_true(shop: Path) -> None:
    hl.label("shop", told(0, 200, wrong=50))
    scored = hl.scored("shop")
    with pytest.raises(DataError, match="not known of 40 of 240 rows of 'shop'"):
        hl.evaluate(scored)
    report = hl.evaluate(scored.labeled())
    assert report["accuracy"] == pytest.approx(0.75)
    accuracy = next(metric for metric in report.metrics if metric.name == "accuracy")
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert 0.65 < accuracy.low < 0.75 < accuracy.high < 0.85
    assert hl.evaluate(hl.scored("shop:2").labeled())["accuracy"] == 1


def test_where_every_truth_is_known_nothing_need_be_left_out(shop: Path) -> None:
    hl.label("shop", told(0, 240))
    assert hl.evaluate(hl.scored("shop"))["accuracy"] == 1


def test_an_estimator_without_rows_cannot_be_judged() -> None:
    with pytest.raises(UsageError, match="is judged on rows"):
        hl.evaluate(object())


def test_arms_are_told_where_the_log_has_them(shop: Path) -> None:
    (newest,) = hl.predictions("shop").newest(1)
    write_log(shop / "predictions" / "shop", [{**newest, "id": "shop-00300", "arm": "canary"}], "3")
    assert set(hl.scored("shop").frame.collect()["arm"].to_list()) == {None, "canary"}


def test_an_id_beside_the_row_is_its_column_again(shop: Path) -> None:
    (newest,) = hl.predictions("shop").newest(1)
    row = {name: value for name, value in newest["row"].items() if name != "customer"}
    write_log(shop / "predictions" / "shop", [{**newest, "id": "x-1", "row": row, "row_id": "c900"}], "3")
    frame = hl.scored("shop", since="1d").frame.collect().sort("prediction_id")
    assert frame["customer"].to_list()[-1] == "c900"
    assert frame["customer"].to_list()[0] == "c216"


def test_versions_that_predict_something_else_are_not_mixed(shop: Path) -> None:
    source = pl.DataFrame({"size": [i % 9 - 4.0 for i in range(90)], "bought": ["yes", "no", "maybe"] * 30})
    hl.run(source=source, target="bought", name="shop", trainer="decision_tree", packager=["skops"], deployer="local")
    (newest,) = hl.predictions("shop").newest(1)
    assert hl.scored("shop:2").frame.collect().height == 80
    write_log(shop / "predictions" / "shop", [{**newest, "id": "x-1", "version": 3}], "3")
    with pytest.raises(UsageError, match="does not predict what the others do") as caught:
        hl.scored("shop")
    assert caught.value.hint is not None
    assert "name one: shop:" in caught.value.hint


def test_a_model_is_watched_by_what_its_servers_recorded(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = hl.monitor("shop", shop / "predictions" / "shop")
    assert hl.monitor("shop") == given
    assert main(["monitor", "run", "shop", "--monitor", "prediction_drift", "--since", "3d", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["prediction_drift"]["tables"][0]["rows"]
    assert row[0] == "probability_yes"
    with pytest.raises(DataError, match="no answer of 'shop' is on record since"):
        hl.monitor("shop", since=END + timedelta(minutes=1))
    with pytest.raises(UsageError, match="since is of what `serve` recorded"):
        hl.monitor("shop", pl.DataFrame({"size": [1.0]}), since="1d")
    assert main(["monitor", "run", str(shop), "--since", "1d"]) == 2


QUALITY = '''
"""A monitor of quality."""

import hookline as hl


class KnownMonitor(hl.Monitor):
    """Tell how many answers have their truth, and how many were right."""

    name = "known"

    def check(self, current: hl.Scored, reference: hl.Reference) -> hl.Report:
        frame = current.labeled().frame.collect()
        right = int((frame["truth"] == frame["prediction"]).sum())
        return hl.Report("Known", tables=(hl.Table("known", ("rows", "right"), ((frame.height, right),)),))


@hl.hookimpl
def register_monitors():
    return [KnownMonitor]
'''


def test_a_monitor_of_answers_sees_the_truth_that_labels_tell(shop: Path, project_module: Any) -> None:
    project_module("quality", QUALITY)
    hl.label("shop", told(150, 200, wrong=15))
    (table,) = hl.monitor("shop", None, "known")["known"].tables
    assert table.rows == ((40, 35),)


def test_a_log_of_either_form_gives_the_same_scored_rows_and_reports(shop: Path) -> None:
    hl.label("shop", told(0, 200, wrong=50))
    scored, report, status = hl.scored("shop"), hl.monitor("shop"), hl.labels("shop")
    assert hl.compact_predictions("shop").records == 240
    again = hl.scored("shop")
    columns = scored.frame.collect().columns
    assert (
        again.frame.collect()
        .sort("prediction_id")
        .select(columns)
        .equals(
            scored.frame.collect()
            .sort("prediction_id")
            .with_columns(again.frame.collect().sort("prediction_id")[ROW_ID])
        )
    )
    assert (hl.monitor("shop"), hl.labels("shop")) == (report, status)


def test_values_that_have_no_type_in_common_are_scored_all_the_same(shop: Path) -> None:
    (newest,) = hl.predictions("shop").newest(1)
    odd = {**newest, "id": "x-1", "row": {**newest["row"], "beside": {"nested": [1]}}}
    write_log(shop / "predictions" / "shop", [odd], "3")
    hl.compact_predictions("shop")
    frame = hl.scored("shop").frame.collect().sort("prediction_id")
    assert (frame.height, frame["size"].to_list()[-1]) == (241, newest["row"]["size"])


def test_answers_whose_rows_were_not_kept_are_not_judged(shop: Path) -> None:
    (newest,) = hl.predictions("shop").newest(1)
    write_log(shop / "predictions" / "shop", [{**newest, "id": "x-1", "row": {}}], "3")
    assert hl.predictions("shop").count() == 241
    assert hl.scored("shop").frame.collect().height == 240
    for path in (shop / "predictions" / "shop").glob("*-[12].ndjson"):
        path.unlink()
    with pytest.raises(DataError, match="of no answer of 'shop' the row was kept"):
        hl.scored("shop")
