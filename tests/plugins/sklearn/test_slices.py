"""The slices monitor: the rows for which answers are worse are named, and none where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from hookline import Dataset, Prediction, Reference, Report, Roles, Scored, Target
from hookline.quality.distributions import profile
from hookline_sklearn import SlicesMonitor

ROLES = Roles(target="y")


def drawn(count: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": rng.uniform(20, 70, count),
            "city": pl.Series(["Oslo", "Rome", "Lima", None]).gather(rng.integers(0, 4, count)),
            "member": rng.random(count) < 0.5,
            "x": rng.normal(size=count),
        }
    )


def judged(frame: pl.DataFrame, wrong: np.ndarray, roles: Roles = ROLES, **fields: int) -> Report:
    """Check answers that are wrong as often as told of each row."""
    rng = np.random.default_rng(1)
    truth = rng.choice(["no", "yes"], frame.height)
    miss = rng.random(frame.height) < wrong
    answers = np.where(miss, np.where(truth == "no", "yes", "no"), truth)
    scored = Scored.of(Dataset(frame.lazy(), roles), Prediction(answers), Target("y", "binary", ("no", "yes")), truth)
    return SlicesMonitor(**fields).check(scored, Reference(profile(frame.lazy(), frame.columns)))


def test_no_slice_is_told_where_all_are_alike() -> None:
    for seed in range(5):
        frame = drawn(2_000, seed)
        assert judged(frame, np.full(2_000, 0.2)).findings == ()


def test_a_slice_of_one_column_is_named() -> None:
    frame = drawn(3_000, 0)
    report = judged(frame, np.where(frame["city"].fill_null("") == "Rome", 0.5, 0.1))
    (found,) = report.findings
    assert (found.subject, found.statistic) == ("'city' is 'Rome'", "loss")
    assert report["worst_slice_loss"] == report.tables[0].rows[0][2]
    assert abs(report["worst_slice_loss"] - 0.5) < 0.06


def test_a_slice_that_only_two_columns_tell_is_named_first() -> None:
    frame = drawn(6_000, 1)
    young = (frame["age"] <= 30).to_numpy()
    worse = young & frame["member"].to_numpy()
    report = judged(frame, np.where(worse, 0.7, 0.1))
    first = report.findings[0]
    assert "'age' up to 29" in first.subject or "'age' up to 30" in first.subject
    assert "'member' is 'true'" in first.subject
    assert "worse by at least" in first.message


def test_missing_values_are_a_slice_too() -> None:
    frame = drawn(2_000, 2)
    (found,) = judged(frame, np.where(frame["city"].is_null(), 0.6, 0.1)).findings
    assert found.subject == "'city' is missing"


def test_errors_of_numbers_and_rows_of_groups() -> None:
    rng = np.random.default_rng(0)
    frame = drawn(2_000, 3)
    error = rng.normal(size=2_000) * np.where(frame["city"].fill_null("") == "Lima", 3.0, 1.0)
    scored = Scored.of(Dataset(frame.lazy(), ROLES), Prediction(error), Target("y", "regression"), np.zeros(2_000))
    (found, *_) = SlicesMonitor().check(scored, Reference(profile(frame.lazy(), frame.columns))).findings
    assert found.subject == "'city' is 'Lima'"
    who = np.repeat(np.arange(40), 50)
    # Nine subjects of one city and four of the other, which is nothing, though it is 450 rows against 200.
    level = np.isin(np.arange(40), [*range(0, 18, 2), 1, 3, 5, 7])
    grouped = pl.DataFrame({"who": who, "city": np.array(["a", "b"])[(np.arange(40) % 2)[who]]})
    roles = replace(ROLES, group="who"), replace(ROLES, ignore=("who",))
    told = [len(judged(grouped, level[who].astype(float), one).findings) for one in roles]
    assert told == [0, 1]


def test_only_labelled_rows_count_and_no_more_than_are_asked_for() -> None:
    frame = drawn(3_000, 0)
    wrong = np.where(frame["city"].fill_null("") == "Rome", 0.6, 0.1)
    assert judged(frame, wrong, max_rows=800).tables[0].rows[0][1] < 300
    (note,) = judged(frame.head(60), wrong[:60]).findings
    assert note.severity == "info"
    assert "100 are needed" in note.message
