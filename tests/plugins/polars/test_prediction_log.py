"""A model trained again on what it was asked and what turned out to be true."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError, UnknownName, UsageError
from hookline.testing import checks_for
from hookline_polars import PredictionLogSource
from kit.logs import END, records_of, write_log


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of `shop`, of one version, which answered 60 rows, an hour apart."""
    home = tmp_path_factory.mktemp("shop")
    rng = np.random.default_rng(0)
    size = rng.normal(size=100)
    rows = pl.DataFrame(
        {"customer": [f"c{i}" for i in range(100)], "size": size, "bought": np.where(size > 0, "yes", "no")}
    )
    hl.run(
        source=rows,
        target="bought",
        id="customer",
        name="shop",
        trainer="decision_tree",
        packager=["skops"],
        evaluator=[],
        deployer="local",
        home=home,
    )
    asked: list[dict[str, Any]] = [{"size": number / 10 - 3} for number in range(60)]
    times = [END - timedelta(hours=59 - number) for number in range(60)]
    records = records_of("shop:1", asked, times, home)
    records = [
        {**record, "row_id": f"r{place}", "arm": "live" if place % 2 else "canary"}
        for place, record in enumerate(records)
    ]
    write_log(home / "predictions" / "shop", records)
    return home


@pytest.fixture
def shop(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the test's own home."""
    home = tmp_path / "home"
    shutil.copytree(made, home, ignore=shutil.ignore_patterns("store", "runs"))
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    return home


def tell(first: int, last: int, value: str = "yes") -> None:
    hl.label("shop", {"id": [f"shop-{number:05}" for number in range(first, last)], "bought": [value] * (last - first)})


def rows_of(source: PredictionLogSource) -> list[tuple[Any, ...]]:
    return source.load().frame.collect().rows()


def test_rows_have_their_truth_in_the_targets_column_whatever_form_the_log_has(shop: Path) -> None:
    tell(10, 20)
    tell(15, 25, "no")
    source = PredictionLogSource("shop")
    dataset = source.load()
    frame = dataset.frame.collect()
    assert frame.columns == ["size", "customer", "bought"]
    assert frame["customer"].to_list() == [f"r{number}" for number in range(10, 25)]
    assert frame["bought"].to_list() == ["yes"] * 5 + ["no"] * 10
    assert source.roles() == hl.Roles(target="bought", id="customer")
    before = source.fingerprint()
    hl.compact_predictions("shop")
    assert source.load().frame.collect().equals(frame)
    tell(30, 31)
    assert source.fingerprint() != before


def test_times_versions_and_arms_choose_the_rows(shop: Path) -> None:
    tell(0, 60)
    assert len(rows_of(PredictionLogSource("shop"))) == 60
    assert len(rows_of(PredictionLogSource("shop", arm="canary"))) == 30
    assert len(rows_of(PredictionLogSource("shop:1", until=(END - timedelta(hours=9.5)).isoformat()))) == 50
    assert 9 <= len(rows_of(PredictionLogSource("shop", since="10h", version=1))) <= 11


def test_rows_are_those_that_servers_answered_unless_somebody_says_otherwise(shop: Path) -> None:
    records = list(hl.predictions("shop"))
    table = [{**one, "id": f"table-{place}", "arm": "batch"} for place, one in enumerate(records[:20])]
    beside = [{**one, "id": f"beside-{place}", "arm": "shadow", "of": one["id"]} for place, one in enumerate(records)]
    write_log(shop / "predictions" / "shop", table + beside, "2")
    labeled = [record["id"] for record in records[:30] + table + beside]
    hl.label("shop", {"id": labeled, "bought": ["yes"] * len(labeled)})
    served, every = PredictionLogSource("shop"), PredictionLogSource("shop", answers="all")
    assert len(rows_of(served)) == 30
    assert len(rows_of(every)) == 30 + 20 + 60
    assert len(rows_of(PredictionLogSource("shop", arm="batch"))) == 20
    assert served.fingerprint() != every.fingerprint()


def test_new_labels_are_read_on_each_record_once(shop: Path) -> None:
    tell(0, 10)
    source = PredictionLogSource("shop")
    first = source.position()
    tell(5, 12, "no")
    second = source.position()
    new = source.load_between(first, second).frame.collect()
    assert new.rows() == [(-2.0, "r10", "no"), (-1.9, "r11", "no")]
    assert source.load_between(None, first).frame.collect()["bought"].to_list() == ["yes"] * 10
    empty = source.load_between(second, second).frame.collect()
    assert (empty.height, empty.schema) == (0, new.schema)
    with pytest.raises(DataError, match="is no position of source"):
        source.load_between("x", second)


def test_rows_up_to_a_label_stay_the_same_whatever_comes_later(shop: Path) -> None:
    tell(0, 10)
    source = PredictionLogSource("shop", upto=8)
    rows, known = rows_of(source), source.fingerprint()
    assert len(rows) == 8
    tell(0, 30, "no")
    assert (rows_of(source), source.fingerprint(), source.position()) == (rows, known, "8")


def test_the_share_that_is_kept_aside_is_the_same_at_any_time(shop: Path) -> None:
    tell(0, 40)
    before, learned = rows_of(PredictionLogSource("shop")), rows_of(PredictionLogSource("shop", leave_out=0.3))
    aside = [row for row in before if row not in learned]
    assert 4 <= len(aside) <= 20
    tell(40, 60)
    more = rows_of(PredictionLogSource("shop", leave_out=0.3))
    assert not set(aside) & set(more)
    assert set(learned) <= set(more)
    assert set(rows_of(PredictionLogSource("shop", leave_out=0.6))) < set(more)


def test_rows_that_were_not_kept_are_left_out(shop: Path) -> None:
    tell(0, 10)
    (path,) = sorted((shop / "predictions" / "shop").glob("*.ndjson"))[:1]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["row"] = {}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert len(rows_of(PredictionLogSource("shop"))) == 9


def test_what_is_not_there_is_told_with_what_to_do(shop: Path) -> None:
    with pytest.raises(DataError, match="no answer of 'shop' has its truth") as caught:
        PredictionLogSource("shop").load()
    assert caught.value.hint is not None
    assert "labels add shop FILE" in caught.value.hint
    with pytest.raises(UnknownName, match="no model named 'shup'"):
        PredictionLogSource("shup").load()
    with pytest.raises(UsageError, match=r"source\.since: 'then' is no time"):
        PredictionLogSource("shop", since="then").fingerprint()
    with pytest.raises(DataError, match="is on record"):
        PredictionLogSource("shop", arm="shadow").load()


def test_a_model_is_trained_again_with_one_line(shop: Path) -> None:
    tell(0, 30, "no")
    tell(30, 60)
    run = hl.run(
        source=PredictionLogSource("shop"),
        name="shop",
        trainer="decision_tree",
        packager=[],
        evaluator=[],
        deployer=None,
    )
    assert run.predict([{"size": -2.5}, {"size": 2.5}]).values.tolist() == ["no", "yes"]


def test_the_source_keeps_what_the_kit_asks_of_every_source(shop: Path) -> None:
    tell(0, 30)
    for check in checks_for(PredictionLogSource("shop")):
        check()
