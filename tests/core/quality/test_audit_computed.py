"""What the audit finds of columns computed from the answer or the future, near twins and doubtful labels, and what it lets be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hookline.data.parts import SplitOptions
from hookline.data.split import SplitFacts, prepare, read_split
from hookline.kinds.artifacts import Dataset, Roles, Target
from hookline.kinds.reports import Finding, Report
from hookline.quality.audit import audit
from hookline.quality.audit.sides import parts_of
from kit.tables import with_row_ids

YES = Target("y", "binary", ("no", "yes"))
NUMBER = Target("y", "regression")
NEW = ("target_mean", "future_rows", "near_texts", "near_duplicates", "label_noise")


def audited(folder: Path, frame: pl.DataFrame, target: Target, noise: bool = False, **roles: Any) -> Report:
    method, valid = roles.pop("method", "random"), roles.pop("valid", 0.0)
    folder.mkdir(parents=True, exist_ok=True)
    rows, named = with_row_ids(frame), Roles(target=target.name, **roles)
    how, counts = prepare(Dataset(rows, named), SplitOptions(method=method, valid=valid), 0, folder)
    split = read_split(folder, SplitFacts("data", how, counts), named)
    labels = [part.frame.select(target.name).collect()[target.name] for part in parts_of(split)]
    return audit(split, target, labels, noise=noise)


def found(report: Report, statistic: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.statistic == statistic]


@pytest.fixture
def shops() -> pl.DataFrame:
    rng = np.random.default_rng(7)
    shop = rng.integers(0, 60, 1_500)
    chance = rng.uniform(0.1, 0.9, 60)[shop]
    start = np.datetime64("2024-01-01", "us")
    return pl.DataFrame(
        {
            "shop": [f"s{one}" for one in shop],
            "amount": rng.gamma(2, 30, 1_500).round(2),
            "x": rng.normal(size=1_500),
            "time": np.sort(start + rng.integers(0, 10**9, 1_500).astype("timedelta64[s]")),
            "y": np.where(rng.random(1_500) < chance, "yes", "no"),
        }
    )


IS_YES = (pl.col("y") == "yes").cast(pl.Float64)
ENCODINGS = {
    "mean": IS_YES.mean().over("shop"),
    "of the other class": 1 - IS_YES.mean().over("shop"),
    "smoothed": (IS_YES.sum().over("shop") + 10 * 0.5) / (pl.len().over("shop") + 10),
    "without its own row": (IS_YES.sum().over("shop") - IS_YES) / (pl.len().over("shop") - 1),
}


@pytest.mark.parametrize("way", ENCODINGS)
def test_a_mean_of_the_target_over_all_rows_is_critical(tmp_path: Path, shops: pl.DataFrame, way: str) -> None:
    (finding,) = found(audited(tmp_path, shops.with_columns(rate=ENCODINGS[way]), YES), "target_mean")
    assert (finding.subject, finding.severity) == ("rate", "critical")
    assert "of 'y' by 'shop'" in finding.message
    assert finding.rows


def test_what_was_computed_over_validation_rows_too_is_critical(tmp_path: Path, shops: pl.DataFrame) -> None:
    frame = shops.with_columns(rate=ENCODINGS["mean"], bought=pl.col("amount").sum().over("shop"))
    report = audited(tmp_path, frame, YES, method="time", time="time", group="shop", valid=0.2)
    assert [finding.subject for finding in found(report, "target_mean")] == ["rate"]
    assert "bought" in [finding.subject for finding in found(report, "future_rows")]


def test_a_mean_of_labels_that_became_fractions_on_their_way_is_critical(tmp_path: Path, shops: pl.DataFrame) -> None:
    frame = shops.with_columns(rate=ENCODINGS["mean"], y=IS_YES)
    (finding,) = found(audited(tmp_path, frame, Target("y", "binary", (0, 1))), "target_mean")
    assert finding.subject == "rate"


def test_a_mean_of_a_number_is_critical(tmp_path: Path, shops: pl.DataFrame) -> None:
    frame = shops.drop("y").rename({"amount": "y"}).with_columns(usual=pl.col("y").mean().over("shop"))
    (finding,) = found(audited(tmp_path, frame, NUMBER), "target_mean")
    assert finding.subject == "usual"


def test_a_mean_of_other_rows_is_let_be(tmp_path: Path, shops: pl.DataFrame) -> None:
    before = IS_YES.cum_sum().shift(1).over("shop") / pl.int_range(pl.len()).over("shop")
    half = pl.int_range(pl.len()) % 2 == 0
    frame = shops.with_columns(
        past=before,
        # Of each half, what the other one says.
        crossed=pl.when(half)
        .then(IS_YES.filter(~half).mean().over("shop"))
        .otherwise(IS_YES.filter(half).mean().over("shop")),
        size=pl.len().over("shop"),
        price=pl.col("amount").mean().over("shop"),
    )
    report = audited(tmp_path, frame, YES)
    assert not found(report, "target_mean")
    assert not found(report, "future_rows")  # No role says when rows happened.


SUMMARIES = {
    "count": pl.len().over("shop").cast(pl.Int64),
    "sum": pl.col("amount").sum().over("shop"),
    "mean": pl.col("amount").mean().over("shop"),
    "max": pl.col("amount").max().over("shop"),
}


@pytest.mark.parametrize("summary", SUMMARIES)
def test_a_summary_of_later_rows_is_critical(tmp_path: Path, shops: pl.DataFrame, summary: str) -> None:
    frame = shops.with_columns(bought=SUMMARIES[summary])
    for roles in ({"group": "shop"}, {}):
        named = frame if roles else frame.rename({"shop": "shop_id"})
        report = audited(tmp_path / str(len(roles)), named, YES, method="time", time="time", **roles)
        (finding,) = found(report, "future_rows")
        assert (finding.subject, finding.severity) == ("bought", "critical")
        assert (
            f"is the {'count of rows' if summary == 'count' else summary + ' of ' + repr('amount')}" in finding.message
        )


def test_summaries_up_to_a_row_and_facts_that_do_not_change_are_let_be(tmp_path: Path, shops: pl.DataFrame) -> None:
    frame = shops.with_columns(
        so_far=pl.col("amount").cum_sum().over("shop"),
        number=pl.int_range(1, pl.len() + 1).over("shop"),
        opened=pl.col("shop").str.slice(1).cast(pl.Int64) % 7 + 1990,
        area=pl.col("shop").str.slice(1).cast(pl.Float64) * 3.5,
    )
    report = audited(tmp_path, frame, YES, method="time", time="time", group="shop")
    assert not found(report, "future_rows")


def test_held_out_rows_that_differ_from_a_training_row_in_one_feature_are_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({f"x{i}": rng.normal(size=600) for i in range(6)} | {"y": rng.choice(["no", "yes"], 600)})
    assert not found(audited(tmp_path / "apart", frame, YES), "near_duplicates")
    again = pl.concat([frame, frame.head(60).with_columns(x2=pl.lit(0.5) + pl.col("x2"))])
    (finding,) = found(audited(tmp_path / "near", again, YES), "near_duplicates")
    assert finding.severity == "info"
    assert "mostly 'x2'" in finding.message


def test_texts_that_nearly_repeat_on_the_other_side_are_told(tmp_path: Path) -> None:
    pytest.importorskip("datasketch")
    rng = np.random.default_rng(2)
    words = np.array([f"word{i}" for i in range(400)])
    texts = [" ".join(rng.choice(words, 25)) for _ in range(400)]
    frame = pl.DataFrame({"text": texts, "y": rng.choice(["no", "yes"], 400)})
    assert not found(audited(tmp_path / "apart", frame, YES), "near_texts")
    again = pl.concat([frame, frame.head(80).with_columns(pl.col("text") + " again")])
    (finding,) = found(audited(tmp_path / "near", again, YES), "near_texts")
    assert (finding.subject, finding.severity) == ("text", "warning")


def test_most_labels_that_were_turned_are_among_those_to_look_at(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    x, z = rng.normal(size=1_500), rng.normal(size=1_500)
    truth = x + z > 0
    turned = rng.choice(np.flatnonzero(np.abs(x + z) > 0.5), 40, replace=False)
    y = truth.copy()
    y[turned] = ~y[turned]
    frame = pl.DataFrame({"x": x, "z": z, "w": rng.normal(size=1_500), "y": np.where(y, "yes", "no")})
    report = audited(tmp_path, frame, YES, noise=True)
    (finding,) = found(report, "label_noise")
    table = next(one for one in report.tables if one.name == "label_noise")
    trained = set(turned.tolist()) & {row[0] for row in table.rows}
    assert finding.severity == "info"
    assert len(trained) >= 0.7 * 0.7 * len(turned)  # Of the seven tenths that are trained on.
    assert len(trained) >= 0.6 * len(table.rows)
    assert not found(audited(tmp_path / "off", frame, YES), "label_noise")


def test_columns_of_infinities_and_of_nothing_stop_no_audit(tmp_path: Path, shops: pl.DataFrame) -> None:
    endless = pl.when(pl.int_range(pl.len()) % 50 == 0).then(float("inf")).otherwise(pl.col("amount"))
    frame = shops.with_columns(usual=endless.mean().over("shop"), empty=pl.lit(None, pl.Float64))
    report = audited(tmp_path, frame, YES, noise=True)
    assert not found(report, "target_mean")


@pytest.mark.parametrize(
    ("name", "target", "task", "roles"),
    [
        ("titanic", "survived", ("binary", (0, 1)), {}),
        ("penguins", "species", ("multiclass", ("Adelie", "Chinstrap", "Gentoo")), {}),
        ("diamonds", "price", ("regression", ()), {}),
        ("taxis", "fare", ("regression", ()), {"time": "pickup", "method": "time"}),
        ("taxis", "color", ("binary", ("green", "yellow")), {"time": "pickup"}),
    ],
    ids=["titanic", "penguins", "diamonds", "fare", "color"],
)
def test_real_tables_raise_no_alarm_of_these(
    tmp_path: Path, shared_data: Path, name: str, target: str, task: tuple[Any, Any], roles: dict[str, Any]
) -> None:
    frame = pl.read_csv(shared_data / f"{name}.csv", try_parse_dates=True)
    report = audited(tmp_path, frame, Target(target, *task), **roles)
    alarms = [f.message for f in report.findings if f.statistic in NEW and f.severity != "info"]
    assert alarms == []


def test_of_a_large_table_all_rows_of_some_things_are_looked_at(
    tmp_path: Path, shops: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookline.quality.audit.computed.whole.MOST_ROWS", 400)
    mean = shops.with_columns(e=ENCODINGS["mean"])
    (told,) = found(audited(tmp_path / "mean", mean, YES), "target_mean")
    assert told.subject == "e"
    total = shops.with_columns(e=pl.col("amount").sum().over("shop"))
    (told,) = found(audited(tmp_path / "sum", total, YES, time="time", method="time", group="shop"), "future_rows")
    assert told.subject == "e"
    rightly = shops.with_columns(e=pl.col("amount").cum_sum().over("shop"))
    assert not found(
        audited(tmp_path / "rightly", rightly, YES, time="time", method="time", group="shop"), "future_rows"
    )
    # One shop has more rows than are looked at, and counts for nothing.
    skewed = mean.with_columns(shop=pl.when(pl.col("x") > 0).then(pl.lit("s0")).otherwise("shop"))
    skewed = skewed.with_columns(e=ENCODINGS["mean"])
    (told,) = found(audited(tmp_path / "skewed", skewed, YES), "target_mean")
    assert told.subject == "e"
    # All have.
    few = mean.with_columns(shop=pl.col("shop").str.slice(0, 2)).filter(pl.col("shop") != "s0")
    few = few.with_columns(e=ENCODINGS["mean"])
    assert found(audited(tmp_path / "few", few, YES), "target_mean")
    monkeypatch.setattr("hookline.quality.audit.computed.whole.MOST_ROWS", 20)
    assert not found(audited(tmp_path / "none", few, YES), "target_mean")
