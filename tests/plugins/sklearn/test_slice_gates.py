"""Metrics of slices that gates hold: measured as scikit-learn does, checked before the run, and held against a champion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score, mean_absolute_error, recall_score, roc_auc_score

import hookline as hl
from hookline import Dataset, Prediction, Roles, Scored, Target
from hookline.errors import ConfigError, GateFailed
from hookline_sklearn import SlicesEvaluator
from kit.command_line import Told

BINARY = Target("y", "binary", ("no", "yes"))
GIVEN: dict[str, Any] = {
    "roles": {"target": "survived", "ignore": ["alive", "class", "who", "adult_male", "embark_town", "alone", "deck"]},
    "packager": ["skops"],
    "deployer": "local",
    "featurizer": {"tabular": {"component": "tabular", "missing": "zero"}},
}


def people(rows: int = 500) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
    """Return rows, their truth, and the probability of `yes` that is told of each."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"sex": rng.choice(["f", "m"], rows), "age": rng.uniform(1, 90, rows)})
    truth = rng.choice(["no", "yes"], rows, p=[0.7, 0.3])
    return frame, truth, np.clip(rng.normal(0.35 + 0.3 * (truth == "yes"), 0.25), 0, 1)


def measured(weight: np.ndarray | None = None, **fields: Any) -> dict[str, hl.Metric]:
    frame, truth, chance = people()
    said = Prediction(np.where(chance >= 0.5, "yes", "no"), np.column_stack([1 - chance, chance]), ("no", "yes"))
    scored = Scored.of(Dataset(frame.lazy(), Roles(target="y")), said, BINARY, truth, weight)
    return {one.name: one for one in SlicesEvaluator(**fields).evaluate(scored).metrics}


def test_metrics_of_a_slice_are_scikit_learns() -> None:
    frame, truth, chance = people()
    weight = np.random.default_rng(1).uniform(0.1, 2, frame.height)
    found = measured(weight, columns=("sex",), metrics=("f1", "recall", "roc_auc"))
    rows = (frame["sex"] == "f").to_numpy()
    y, share = truth[rows] == "yes", chance[rows]
    asked = {"f1": f1_score(y, share >= 0.5, sample_weight=weight[rows])}
    asked["recall"] = recall_score(y, share >= 0.5, sample_weight=weight[rows])
    asked["roc_auc"] = roc_auc_score(y, share, sample_weight=weight[rows])
    for name, value in asked.items():
        one = found[f"slice.sex=f.{name}"]
        assert one.value == pytest.approx(value, abs=1e-12)
        assert one.low is not None
        assert one.low < one.value < one.high
    assert len(found) == 1 + 2 * 3


def test_numbers_are_cut_where_it_is_said_and_small_slices_are_not_measured() -> None:
    found = measured(columns=("age",), edges={"age": (2.0, 18.0, 65.0)}, metrics=("accuracy",))
    assert [name for name in found if name.startswith("slice.")] == [
        "slice.age=over 2 up to 18.accuracy",
        "slice.age=over 18 up to 65.accuracy",
        "slice.age=over 65.accuracy",
    ]


def names_of(values: pl.Series, **fields: Any) -> list[str]:
    """Return the names of what is measured of the slices of a column."""
    truth = np.resize(["no", "yes"], len(values))
    rows = Dataset(values.alias("x").to_frame().lazy(), Roles(target="y"))
    judge = SlicesEvaluator(columns=("x",), metrics=("accuracy",), min_slice=10, n_bootstrap=0, **fields)
    report = judge.evaluate(Scored.of(rows, Prediction(truth), BINARY, truth))
    assert len({one.name for one in report.metrics}) == len(report.metrics)
    return [one.name.removeprefix("slice.x=").removesuffix(".accuracy") for one in report.metrics[1:]]


def test_edges_are_told_in_as_many_digits_as_tell_them_apart() -> None:
    close = pl.Series([100_000 + row for row in range(50)])
    assert names_of(close)[:2] == ["up to 100009", "over 100009 up to 100019"]
    assert names_of(pl.Series([1 + row / 100_000 for row in range(50)]))[0] == "up to 1.0001"
    seconds = pl.Series([datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=row) for row in range(50)])
    assert names_of(seconds)[1] == "over 2026-01-01 00:00:09 up to 2026-01-01 00:00:19"
    finest = (1.0, float(np.nextafter(1.0, 2)))
    assert names_of(pl.Series([0.0, finest[1], 2.0] * 10), edges={"x": finest})[-1] == "over 1.0000000000000002"


def test_missing_texts_are_another_slice_than_the_text_missing() -> None:
    assert names_of(pl.Series(["missing", "here", None] * 10)) == ["here", "missing", "(missing)"]
    assert names_of(pl.Series(["here", None] * 10)) == ["here", "missing"]


def test_the_error_of_numbers_is_scikit_learns() -> None:
    frame, _, _ = people()
    rng = np.random.default_rng(2)
    truth, guess = rng.normal(size=500), rng.normal(size=500)
    scored = Scored.of(Dataset(frame.lazy(), Roles(target="y")), Prediction(guess), Target("y", "regression"), truth)
    found = {one.name: one for one in SlicesEvaluator(columns=("sex",)).evaluate(scored).metrics}
    rows = (frame["sex"] == "m").to_numpy()
    assert found["slice.sex=m.mae"].value == pytest.approx(mean_absolute_error(truth[rows], guess[rows]), abs=1e-12)
    assert not found["slice.sex=m.mae"].greater_is_better


SLICES = {"component": "slices", "columns": ["sex"]}


def test_no_worse_for_any_sex_holds_a_model_against_the_champion(shared_data: Path) -> None:
    given = {**GIVEN, "source": shared_data / "titanic.csv"}
    judges = {"standard": {"component": "standard"}, "slices": SLICES}
    gates = {"slice.sex.f1": "no worse"}
    first = hl.run(**given, trainer="random_forest", evaluator=judges, gates=gates)
    assert [row["told"].partition(";")[2] for row in first.gates.iter_rows(named=True)] == [
        " there is no champion yet"
    ] * 2
    stump = {"component": "decision_tree", "max_depth": 1}
    with pytest.raises(GateFailed, match=r"slice\.sex=male\.f1 is 0, and must be no worse than .* of v1 on the same"):
        hl.run(**given, trainer=stump, evaluator=judges, gates=gates)
    assert hl.run(**given, trainer="random_forest", evaluator=judges, gates=gates).status == "finished"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            ("evaluator.slices.columns=[sxe]",),
            "evaluator.slices.columns: the rows have no column 'sxe'; did you mean 'sex'?",
        ),
        (
            ("evaluator.slices.columns=[sex]", "gates.slice.age.f1=0.5"),
            "gates.slice.age.f1: no evaluator measures this",
        ),
        (("evaluator.slices.metrics=[f1]",), "metrics says nothing without columns"),
        (("evaluator.slices.edges={age:[18]}",), "edges says nothing without columns"),
        (
            ("evaluator.slices.columns=[age]", "evaluator.slices.edges={aeg:[18]}"),
            "edges cuts 'aeg', which is not among columns; did you mean 'age'?",
        ),
        (("gates.slice.sex.f1=0.5",), "evaluator `slices` with columns=[sex] and metrics=[f1] may"),
        (("evaluator.slices.columns=[sex]", "gates.slice.sex.f2=0.5"), "did you mean"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_the_run(
    hookline: Told, tmp_path: Path, more: tuple[str, ...], told: str
) -> None:
    frame, truth, _ = people()
    frame.with_columns(pl.Series("y", truth)).write_csv(tmp_path / "people.csv")
    line = (str(tmp_path / "people.csv"), "target=y", "evaluator=[standard,slices]", "monitor=[]", *more)
    code, _, err = hookline("plan", *line)
    assert code == 2
    assert told in err


def test_a_metric_that_there_is_not_for_the_target_is_told() -> None:
    with pytest.raises(ConfigError, match=r"nothing measures 'f2' of a binary target; there is accuracy"):
        measured(columns=("sex",), metrics=("f2",))
