"""The truth that comes late: told by id or by a key and a time, corrected, contradicted, of other zones, and refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import DataError, UnknownName, UsageError
from hookline.live.log.joining import truths
from hookline.live.log.labeling import Labeled
from hookline.live.log.predictions import predictions_in
from hookline.workspace.workspace import open_workspace
from kit.logs import END, records_of, write_log

CUSTOMERS_TIME = END - timedelta(hours=239)
"""When `c000` was asked about; each further customer an hour later."""


def known() -> dict[str, Any]:
    """Return what counts as true, by id."""
    workspace = open_workspace()
    table = truths(workspace, predictions_in(workspace, "shop")).table
    return {name: json.loads(value) for name, value in table.select("prediction_id", "value").rows()}


def stored() -> list[Any]:
    return values("shop")


def values(model: str) -> list[Any]:
    return [json.loads(value) for value in open_workspace().catalog.labels.table(model)["value"]]


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text(text, "utf-8")
    return path


def test_truth_is_told_by_id_from_a_file_or_a_frame(shop: Path, tmp_path: Path) -> None:
    made = hl.label("shop", table(tmp_path, "prediction_id,bought\nshop-00000,yes\nshop-00001,no\nshop-00002,\n"))
    assert (made.added, made.empty, made.aside, made.corrected, made.known) == (2, 1, 0, 0, 0)
    made = hl.label("shop", pl.DataFrame({"id": ["shop-00003"], "truth": ["yes"]}), value="truth")
    assert made.added == 1
    assert known() == {"shop-00000": "yes", "shop-00001": "no", "shop-00003": "yes"}


def test_of_two_labels_the_newer_counts_and_both_are_kept(shop: Path) -> None:
    hl.label("shop", pl.DataFrame({"id": ["shop-00000", "shop-00001"], "bought": ["yes", "no"]}))
    again = hl.label("shop", pl.DataFrame({"id": ["shop-00000", "shop-00001"], "bought": ["no", "no"]}))
    assert (again.added, again.corrected, again.known) == (1, 1, 1)
    assert known() == {"shop-00000": "no", "shop-00001": "no"}
    assert sorted(stored()) == ["no", "no", "yes"]


def test_what_became_true_later_counts_in_whatever_order_it_is_added(shop: Path) -> None:
    def told(value: str, day: str) -> Labeled:
        return hl.label("shop", pl.DataFrame({"id": ["shop-00000"], "bought": [value], "when": [day]}), time="when")

    told("no", "2026-11-20T00:00Z")
    told("yes", "2026-11-10T00:00Z")
    assert known() == {"shop-00000": "no"}
    assert told("yes", "2026-11-10T00:00Z").known == 1
    assert told("yes", "2026-11-20T00:00Z").corrected == 1
    assert known() == {"shop-00000": "yes"}
    assert len(stored()) == 3


def test_a_table_that_contradicts_itself_is_refused_with_the_rows(shop: Path) -> None:
    frame = pl.DataFrame({"id": ["shop-00000", "shop-00001", "shop-00000"], "bought": ["yes", "no", "no"]})
    with pytest.raises(DataError, match=r"row 2, shop-00000: 'no' contradicts 'yes' in row 0"):
        hl.label("shop", frame)
    assert stored() == []
    days = ["2026-11-01T00:00Z", "2026-11-01T00:00Z", "2026-11-02T00:00Z"]
    hl.label("shop", frame.with_columns(when=pl.Series(days)), time="when")
    assert known() == {"shop-00000": "no", "shop-00001": "no"}


def test_a_label_of_an_unknown_id_is_kept_aside_and_joined_when_its_record_comes(shop: Path) -> None:
    made = hl.label("shop", pl.DataFrame({"id": ["shop-00900", "shop-00000"], "bought": ["yes", "no"]}))
    assert (made.added, made.aside) == (2, 1)
    assert (hl.labels("shop").labeled, hl.labels("shop").aside) == (1, 1)
    row = {"customer": "late", "size": 1.0, "version": 1.0}
    write_log(shop / "predictions" / "shop", records_of("shop:2", [row], [END], shop, 900), "late")
    assert (hl.labels("shop").labeled, hl.labels("shop").aside) == (2, 0)


def test_a_key_and_a_time_mean_the_nearest_record_within_the_bound(shop: Path) -> None:
    again = {"customer": "c000", "size": 0.5, "version": 0.5}
    times = [CUSTOMERS_TIME + timedelta(minutes=minutes) for minutes in (50, 300)]
    write_log(shop / "predictions" / "shop", records_of("shop:1", [again, again], times, shop, 500), "more")
    frame = pl.DataFrame(
        {
            "customer": ["c000", "c000", "c000", "c001", "nobody"],
            "bought": ["yes", "no", "yes", "no", "no"],
            "when": [CUSTOMERS_TIME + timedelta(minutes=minutes) for minutes in (10, 40, 299, 0, 0)],
        }
    )
    made = hl.label("shop", frame, by="customer", time="when", within="2h")
    assert (made.added, made.aside) == (5, 1)
    assert known() == {"shop-00000": "yes", "shop-00500": "no", "shop-00501": "yes", "shop-00001": "no"}
    assert hl.label("shop", frame, by="customer", time="when", within="2h").added == 0


def test_a_record_that_is_no_nearer_than_the_bound_is_not_meant(shop: Path) -> None:
    near = pl.DataFrame({"customer": ["c000"], "bought": ["yes"], "when": [CUSTOMERS_TIME - timedelta(minutes=10)]})
    assert hl.label("shop", near, by="customer", time="when", within="9m").aside == 1
    assert known() == {}
    assert hl.label("shop", near, by="customer", time="when", within=timedelta(minutes=10)).aside == 0
    assert known() == {"shop-00000": "yes"}


def test_a_label_of_a_key_is_joined_when_its_record_comes(shop: Path) -> None:
    frame = pl.DataFrame({"customer": ["late"], "bought": ["yes"], "when": [END]})
    assert hl.label("shop", frame, by="customer", time="when").aside == 1
    assert hl.labels("shop").aside == 1
    row = {"customer": "late", "size": 1.0, "version": 1.0}
    write_log(shop / "predictions" / "shop", records_of("shop:2", [row], [END], shop, 900), "late")
    assert known() == {"shop-00900": "yes"}
    assert hl.labels("shop").aside == 0
    assert hl.label("shop", frame, by="customer", time="when").known == 1


def test_a_label_of_a_key_is_about_its_nearest_record_whichever_are_asked_for(shop: Path) -> None:
    frame = pl.DataFrame({"customer": ["late"], "bought": ["yes"], "when": [END - timedelta(minutes=30)]})
    assert hl.label("shop", frame, by="customer", time="when").aside == 1
    row = {"customer": "late", "size": 1.0, "version": 1.0}
    times = [END - timedelta(minutes=35), END - timedelta(minutes=20)]
    write_log(shop / "predictions" / "shop", records_of("shop:2", [row, row], times, shop, 900), "late")
    assert known() == {"shop-00900": "yes"}
    assert hl.labels("shop", since=END - timedelta(minutes=25)).labeled == 0
    assert hl.labels("shop", since=END - timedelta(minutes=40)).labeled == 1


def test_the_value_of_the_id_may_stand_beside_the_row(shop: Path) -> None:
    (record,) = records_of("shop:1", [{"customer": "c7", "size": 1.0, "version": 1.0}], [END], shop, 700)
    record["row_id"] = record["row"].pop("customer")
    write_log(shop / "predictions" / "shop", [record], "beside")
    hl.label("shop", pl.DataFrame({"customer": ["c7"], "bought": ["no"], "at": [END]}), by="customer", time="at")
    assert known() == {"shop-00700": "no"}


def test_times_of_other_zones_are_the_same_moment_and_those_without_are_told(shop: Path, tmp_path: Path) -> None:
    said = ["2026-11-20T10:00:00+02:00", "2026-11-20T08:00:00Z", "2026-11-20 08:00", "2026-11-20T03:00-05:00"]
    rows = "".join(f"shop-0000{place},yes,{time}\n" for place, time in enumerate(said))
    made = hl.label("shop", table(tmp_path, "id,bought,when\n" + rows), time="when")
    assert made.zoneless == 1
    labels = open_workspace().catalog.labels
    assert {*labels.table("shop")["became"]} == {datetime(2026, 11, 20, 8, tzinfo=UTC)}
    local = pl.DataFrame({"id": ["shop-00009"], "bought": ["no"], "when": [datetime(2026, 7, 1, 10)]})
    assert hl.label("shop", local, time="when", zone="Europe/Vienna").zoneless == 1
    assert min(labels.table("shop")["became"]) == datetime(2026, 7, 1, 8, tzinfo=UTC)


def test_what_cannot_be_true_is_refused_by_its_row_and_nothing_is_added(shop: Path, tmp_path: Path) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    rows = [
        "shop-00000,yes,2026-11-01T00:00Z",
        "shop-00001,maybe,2026-11-01T00:00Z",
        ",yes,2026-11-01T00:00Z",
        "shop-00003,no,yesterday",
        "shop-00004,no,",
        f"shop-00005,no,{ahead}",
        f"{'x' * 300},no,2026-11-01T00:00Z",
    ]
    with pytest.raises(DataError) as caught:
        hl.label("shop", table(tmp_path, "id,bought,when\n" + "\n".join(rows)), time="when")
    said = str(caught.value)
    for line in (
        "6 of 7 rows of",
        "row 1, bought: must be one of no, yes; got 'maybe'",
        "row 2, id: is missing",
        "row 3, when: must be a time such as 2026-11-28T08:00+01:00, got 'yesterday'",
        "row 4, when: is missing",
        "row 5, when: is in the future",
        "row 6, id: is longer than 255 letters",
        "hint: mend these rows",
    ):
        assert line in said
    assert stored() == []


def test_of_a_number_any_finite_number_is_the_truth_and_nothing_else(shop: Path, tmp_path: Path) -> None:
    source = pl.DataFrame({"size": [float(i % 17) for i in range(80)], "cost": [i * 0.5 for i in range(80)]})
    hl.run(source=source, target="cost", name="price", trainer="ridge", packager=["skops"], deployer="local")
    made = hl.label("price", table(tmp_path, "id,cost\na,1.5\nb,7\n"))
    assert (made.added, made.aside) == (2, 2)
    with pytest.raises(DataError, match=r"row 0, cost: must be a number, got 'dear'"):
        hl.label("price", table(tmp_path, "id,cost\na,dear\nb,7\n"))
    with pytest.raises(DataError, match=r"row 1, cost: must be a number, got 'inf'"):
        hl.label("price", table(tmp_path, "id,cost\na,1\nb,inf\n"))
    assert values("price") == [1.5, 7.0]


@pytest.mark.parametrize(
    ("given", "kind", "told"),
    [
        ({"model": "shup"}, UnknownName, "no model or run named 'shup'"),
        ({"by": "customr", "time": "when"}, UnknownName, "no column of shop named 'customr'\nhint: did you mean"),
        ({"by": "customer"}, UsageError, "--by customer needs --time"),
        ({"by": "customer", "time": "when", "within": "soon"}, UsageError, "within: 'soon' is no length of time"),
        ({"time": "when", "zone": "Mars"}, UsageError, "--zone: 'Mars' is no time zone"),
        ({"value": "boght"}, DataError, "--value: 'boght' is not a column; did you mean 'bought'?"),
        ({"time": "then"}, DataError, "--time: 'then' is not a column"),
        ({"by": "raw.customer", "time": "when", "value": "x"}, DataError, "--value: 'x' is not a column"),
    ],
)
def test_what_does_not_fit_together_is_told(
    shop: Path, tmp_path: Path, given: dict[str, Any], kind: type[Exception], told: str
) -> None:
    path = table(tmp_path, "id,customer,bought,when\nshop-00000,c000,yes,2026-11-01T00:00Z\n")
    with pytest.raises(kind) as caught:
        hl.label(**{"model": "shop", "data": path, **given})
    assert told in str(caught.value)
    assert stored() == []


def test_the_status_counts_records_and_labels_by_version_and_age(shop: Path) -> None:
    frame = pl.DataFrame({"id": [f"shop-{i:05}" for i in (0, 5, 200, 239)], "bought": ["yes"] * 4})
    hl.label("shop", frame)
    found = {(group.version, group.age): (group.records, group.labeled) for group in hl.labels("shop").groups}
    assert found == {
        (2, "under 1 day"): (24, 1),
        (2, "1 to 7 days"): (56, 1),
        (1, "1 to 7 days"): (88, 0),
        (1, "7 to 30 days"): (72, 2),
    }
    assert [group.records for group in hl.labels("shop", since="1d").groups] == [24]
    assert hl.labels("shop", since="1d").aside == 0
    assert hl.labels("shop:1").records == 160


def test_the_command_line_adds_and_tells(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path, "id,bought,when\nshop-00000,yes,2026-11-01T08:00\nshop-77777,no,2026-11-01T09:00Z\n")
    assert main(["labels", "add", "shop", str(path), "--time", "when"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "labels added to shop: 2",
        "kept aside: their answer is not on record, and they are joined when it comes: 1",
        "times without a zone, taken for UTC: 1",
    ]
    assert main(["labels", "add", "shop", str(path), "--time", "when", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["known"] == 2
    assert main(["predictions", "show", "shop-00000", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["truth"], shown["became"]) == ("yes", "2026-11-01T08:00:00+00:00")
    assert main(["predictions", "show", "shop-00000"]) == 0
    assert "became" in capsys.readouterr().out
    assert main(["labels", "status", "shop"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].split() == ["version", "age", "records", "labeled", "share"]
    assert "labels kept aside, whose answer is not on record: 1" in said.err
    assert main(["labels", "status", "shop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["aside"] == 1
    assert main(["labels", "add", "shop", str(tmp_path / "gone.csv")]) == 1


def test_labels_of_pruned_answers_stay_and_are_told_as_aside(shop: Path) -> None:
    hl.label("shop", {"id": ["shop-00001", "shop-00230"], "bought": ["yes", "no"]})
    assert (hl.labels("shop").labeled, hl.labels("shop").aside) == (2, 0)
    hl.prune_predictions("shop", "100h")
    assert (hl.labels("shop").labeled, hl.labels("shop").aside) == (1, 1)
