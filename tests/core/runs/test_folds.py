"""Folds in one run: every part of the training rows judged once, by a model that has seen nothing of it."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.model_selection import TimeSeriesSplit

import hookline as hl
from hookline import Dataset, Evaluator, Features, Metric, Report, Scored, SklearnModel, Trainer, Transform
from hookline.data.parts import SplitOptions, by_time
from hookline.errors import ConfigError, DataError, GateFailed
from hookline.quality.intervals import of_resampled_mean
from kit.command_line import Told


def numbers(rows: int = 120) -> pl.DataFrame:
    """Rows of which each has a number of its own."""
    rng = np.random.default_rng(3)
    x = np.arange(rows, dtype=np.float64)
    label = np.where((x % 2 > 0) ^ (rng.random(rows) < 0.2), "yes", "no")
    return pl.DataFrame({"x": x, "odd": x % 2, "day": x // 2, "shop": x // 10, "label": label})


@dataclasses.dataclass(frozen=True)
class Remembered:
    """The numbers that were there at the fit."""

    seen: tuple[float, ...]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame


class Remembering(Transform):
    """Remember the rows that it was fitted to."""

    name = "remembering"

    def fit(self, train: Dataset) -> Remembered:
        return Remembered(tuple(train.frame.select("x").collect()["x"].to_list()))


class Leaks(Evaluator):
    """How many held-out rows the fitted transform has seen, and how many rows there are on either side."""

    name = "leaks"
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {"binary": ("leaks", "held_out", "seen", "latest")}

    def evaluate(self, scored: Scored, pipeline: Any) -> Report:
        seen = next(iter(pipeline.transforms)).fitted.seen
        held_out = scored.frame.select("x").collect()["x"].to_list()
        both = len(set(seen) & set(held_out))
        latest = min(held_out) - max(seen)
        names = {"leaks": both, "held_out": len(held_out), "seen": len(seen), "latest": latest}
        return Report("Leaks", tuple(Metric(name, float(value)) for name, value in names.items()))


class Stopping(Trainer):
    """Fit a tree, and write down that it did; fail once so many are written."""

    name = "stopping"
    log: str
    most: ClassVar[int] = 1_000

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        from sklearn.tree import DecisionTreeClassifier

        path = Path(self.log)
        fits = len(path.read_text("utf-8")) if path.exists() else 0
        if fits >= self.most:
            raise RuntimeError("the machine was switched off")
        path.write_text("." * (fits + 1), "utf-8")
        return SklearnModel.of(DecisionTreeClassifier(max_depth=2, random_state=0).fit(train.X, train.y), train)


def run(**config: Any) -> hl.Run:
    """Run on `numbers` with few parts around it."""
    given = {"trainer": "decision_tree", "packager": [], "deployer": None, "monitor": [], "name": "numbers", **config}
    return hl.run(source=numbers(), target="label", **given)


def test_each_fold_has_transforms_of_its_own_and_every_training_row_is_held_out_once() -> None:
    made = run(split={"folds": 4}, transform=[Remembering()], evaluator=["standard", Leaks()])
    each = made.folds
    assert each["leaks"].to_list() == [0.0] * 4
    assert each["held_out"].to_list() == each["test"].to_list()
    assert each["test"].sum() == made.evidence["split"]["train"] == 84
    assert (each["train"] + each["test"]).to_list() == [84] * 4
    assert made.metrics["seen"] == 84
    assert max(each["seen"].to_list()) < 84


def test_the_mean_and_its_interval_are_those_of_the_folds() -> None:
    made = run(split={"folds": 3, "repeats": 2})
    values = made.folds["accuracy"].to_list()
    assert made.folds.select("repeat", "fold").rows() == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
    assert values[:3] != values[3:]
    assert made.metrics["folds.accuracy"] == pytest.approx(statistics.fmean(values))
    report = next(one for one in made.evidence["reports"] if one["kind"] == "folds")
    head = report["metrics"][0]
    error = statistics.stdev(values) * math.sqrt(1 / 6 + 28 / 56)
    assert head["low"] == pytest.approx(statistics.fmean(values) - stats.t.ppf(0.975, 5) * error, rel=1e-3)
    assert "Over 6 folds of the training rows: accuracy" in str(made.evidence["verdict"]["points"])


def test_a_run_that_was_stopped_goes_on_at_the_last_finished_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "fits"
    asked: dict[str, Any] = {"trainer": Stopping(log=str(log)), "split": {"folds": 3}}
    monkeypatch.setattr(Stopping, "most", 3)
    with pytest.raises(RuntimeError, match="switched off"):
        run(**asked)
    monkeypatch.setattr(Stopping, "most", 4)
    made = run(**asked)
    assert len(log.read_text("utf-8")) == 4  # The run's own fit, and three folds.
    monkeypatch.setattr(Stopping, "most", 0)
    again = run(**asked)
    assert again.folds.equals(made.folds)
    assert {one["status"] for one in again.evidence["plan"] if one["kind"] in ("folds", "trainer")} == {"cached"}


def test_folds_leave_the_model_as_it_is_without_them() -> None:
    plain, crossed = run(), run(split={"folds": 3})
    fingerprints = [
        {one["kind"]: one["fingerprint"] for one in made.evidence["plan"] if one["kind"] in ("split", "trainer")}
        for made in (plain, crossed)
    ]
    assert fingerprints[0] == fingerprints[1]


def test_folds_keep_groups_together() -> None:
    made = run(split={"folds": 3}, roles={"group": "shop"}, transform=[Remembering()], evaluator=["standard", Leaks()])
    assert made.evidence["split"]["method"] == "group"
    assert all(rows % 10 == 0 for rows in made.folds["test"].to_list())


def test_folds_in_time_train_on_what_was_before_with_a_gap() -> None:
    made = run(
        split={"folds": 3, "gap": 5}, roles={"time": "day"}, transform=[Remembering()], evaluator=["standard", Leaks()]
    )
    each = made.folds
    assert each["seen"].to_list() == sorted(each["seen"].to_list())
    assert min(each["latest"].to_list()) >= 9  # Two rows a day.
    assert made.metrics["latest"] >= 9


def test_a_row_in_the_gap_is_told_to_be_in_no_part(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    numbers().write_csv(path)
    made = hl.run(
        *("trainer=decision_tree", "packager=[]", "~deployer", "monitor=[]", "split.gap=5", "roles.time=day"),
        *(f"{path}", "target=label"),
    )
    split = made.evidence["split"]
    assert split["train"] + split["test"] == 120 - 8
    assert (
        hl.why(made, position=split["train"]).verdict == f"row {split['train']} is in no part; no transform changed it"
    )


@pytest.mark.parametrize(("folds", "rows"), [(3, 12), (5, 60)])
def test_folds_in_time_are_those_of_scikit_learn(folds: int, rows: int) -> None:
    times = pl.Series("time", range(rows))
    for fold, (train, test) in enumerate(TimeSeriesSplit(folds).split(np.zeros(rows))):
        part = by_time(times, SplitOptions(folds=folds, fold=fold))
        assert np.flatnonzero(part == 0).tolist() == train.tolist()
        assert np.flatnonzero(part == 2).tolist() == test.tolist()


def test_a_gap_is_in_days_for_dates() -> None:
    days = pl.date_range(pl.date(2026, 1, 1), pl.date(2026, 1, 20), eager=True).alias("day")
    part = by_time(days, SplitOptions(test=0.25, gap=3.0))
    assert part.tolist() == [0] * 13 + [3] * 2 + [2] * 5


def test_the_corrected_interval_is_wider_than_that_of_independent_figures() -> None:
    values = [0.8, 0.85, 0.9, 0.82, 0.88]
    low, high = of_resampled_mean(values, 0.25)
    assert low is not None
    assert high is not None
    half = stats.t.ppf(0.975, 4) * statistics.stdev(values) * math.sqrt(1 / 5 + 0.25)
    assert (high - low) / 2 == pytest.approx(half, rel=2e-3)
    assert of_resampled_mean([0.5], 0.25) == of_resampled_mean([0.5, math.nan], 0.25) == (None, None)


def test_a_gate_may_be_on_the_mean_over_folds() -> None:
    with pytest.raises(GateFailed, match=r"folds\.accuracy is 0\.\d+, and must be more than 1"):
        run(split={"folds": 3}, gates={"folds.accuracy": "> 1"})
    with pytest.raises(ConfigError, match=r"gates\.folds\.accuracy: no evaluator measures this"):
        run(gates={"folds.accuracy": "> 1"})


def test_folds_are_shown_as_they_end_and_in_the_report(hookline: Told) -> None:
    line = ("source=iris", "trainer=decision_tree", "packager=[]", "~deployer", "split.folds=3")
    code, _, told = hookline(*line)
    assert code == 0, told
    assert "fold 1/3" in told
    assert "folds.accuracy 0.9" in told
    made: Any = hl.load("last")
    page = made.report.read_text("utf-8")
    assert '<section id="folds">' in page
    assert "judged once" in page


@pytest.mark.parametrize(
    ("split", "told"),
    [
        ({"folds": 3, "gap": 1}, r"split\.gap is a time between training and held-out rows"),
        ({"folds": 3, "fold": 3}, r"split\.fold=3, but there are 3 folds"),
        ({"folds": 2, "method": "column", "column": "shop"}, r"split\.folds does not go with split\.method=column"),
    ],
)
def test_what_does_not_go_together_is_refused(split: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        run(split=split)


def test_a_fold_that_cannot_be_learned_names_itself() -> None:
    frame = numbers(12).with_columns(label=pl.Series(["no"] * 10 + ["yes"] * 2))
    with pytest.raises(DataError, match=r"fold \d of 6: "):
        hl.run(
            source=frame, target="label", trainer="decision_tree", split={"folds": 6, "method": "random", "test": 0.1}
        )
