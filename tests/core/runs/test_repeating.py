"""Repeats: the pipeline fitted with other seeds, judged by the run's own held-out rows; the run's own model is packaged."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import pytest
from annotated_types import Ge
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.tree import ExtraTreeClassifier

import hookline as hl
from hookline import Dataset, Feature, Features, Featurizer, SklearnModel, Trainer, Varies
from hookline.errors import ConfigError, DataError
from hookline.plans.config import Placed
from hookline.runs.stages.fitting.chance import reseeded, seeds_in, why_varying
from hookline.testing import checks_for
from hookline.testing.subject import CheckFailed
from kit.command_line import Told


def rows(count: int = 300) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=count), "b": rng.normal(size=count), "c": rng.normal(size=count)})
    return frame.with_columns(y=pl.when(pl.col("a") * pl.col("b") > 0.3).then(pl.lit("yes")).otherwise(pl.lit("no")))


def run(trainer: Any, **config: Any) -> hl.Run:
    given: dict[str, Any] = {"packager": [], "deployer": None, "monitor": [], "evaluator": ["standard"], **config}
    return hl.run(source=rows(), target="y", trainer=trainer, **given)


class RestlessTrainer(Trainer):
    """Split where chance has it, drawn from the system's own chance, as a sum on a GPU may be."""

    name = "restless"
    tasks = frozenset({"binary"})
    steady: bool = False

    def varies(self) -> str | None:
        """Say that it does."""
        return None if self.steady else "asks the system for chance"

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Draw from the system."""
        seed = int.from_bytes(os.urandom(4), "little")
        return SklearnModel.of(ExtraTreeClassifier(max_depth=2, random_state=seed).fit(train.X, train.y), train)


class SteadyTrainer(Trainer):
    """Fit a constant."""

    name = "steady"
    tasks = frozenset({"binary"})

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Fit it."""
        return SklearnModel.of(DummyClassifier().fit(train.X, train.y), train)


@dataclasses.dataclass(frozen=True)
class Plain:
    """One column as it is."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """The one."""
        return (Feature("a", "float32", ("a",), "a"),)

    def transform(self, rows: pl.LazyFrame) -> Features:
        """Take it."""
        return Features(rows.select(pl.col("a").cast(pl.Float32)).collect().to_numpy(), self.features)


class PlainFeaturizer(Featurizer):
    """Take one column as it is."""

    name = "plain"

    def fit(self, train: Dataset) -> Plain:
        """Learn nothing."""
        return Plain()


class LimitedTrainer(Trainer):
    """Refuse every seed but the first."""

    name = "limited"
    tasks = frozenset({"binary"})
    seed: Annotated[int, Ge(0)] = 0

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Fit a constant."""
        if self.seed:
            raise DataError(f"seed {self.seed} does not do")
        return SklearnModel.of(DummyClassifier().fit(train.X, train.y), train)


def test_each_repeat_is_the_library_with_one_seed_more() -> None:
    made = run({"component": "random_forest", "n_estimators": 7, "seed": 5}, repeats=3)
    execution = made.execution
    assert execution is not None
    train, test = (part.frame.collect() for part in (execution.value("split").train, execution.value("split").test))
    X, y = train.select("a", "b", "c").to_numpy().astype(np.float32), train["y"].to_numpy()
    alone = [RandomForestClassifier(7, random_state=seed).fit(X, y) for seed in (5, 6, 7)]
    held = test.select("a", "b", "c").to_numpy().astype(np.float32)
    scores = [accuracy_score(test["y"].to_numpy(), one.predict(held)) for one in alone]
    assert made.repeats["accuracy"].to_list() == scores
    assert made.repeats["packaged"].to_list() == [True, False, False]
    assert made.metrics["accuracy"] == scores[0]
    report = next(one for one in made.evidence["reports"] if one["kind"] == "repeats")
    (name, packaged, mean, deviation, *_), *_ = report["tables"][0]["rows"]
    assert (name, packaged) == ("accuracy", scores[0])
    assert (mean, deviation) == pytest.approx((statistics.fmean(scores), statistics.stdev(scores)), abs=1e-12)


def test_a_trainer_that_varies_is_told_of_and_fitted_anew_with_the_same_seed() -> None:
    made = run(RestlessTrainer(), repeats=4)
    assert made.repeats["brier"].n_unique() > 1 or made.repeats["accuracy"].n_unique() > 1
    told = [finding["message"] for finding in made.findings]
    assert any(
        "The same seed may give another model: trainer 'restless' asks the system for chance" in one for one in told
    )
    assert any(
        "One seed may give several models: trainer 'restless' asks the system for chance." in one for one in told
    )


def test_what_goes_by_no_seed_is_fitted_once() -> None:
    made = run(SteadyTrainer(), featurizer=[PlainFeaturizer()], repeats=3)
    assert made.repeats.is_empty()
    assert "3 repeats are one" in " ".join(finding["message"] for finding in made.findings)


def test_fits_that_measure_the_same_are_told_as_that() -> None:
    made = run("naive_bayes", repeats=2)
    assert "Over 2 fits accuracy is" in (told := " ".join(finding["message"] for finding in made.findings))
    assert "each time; the model that is packaged is that of seed 0." in told


def test_repeats_that_have_been_made_come_from_the_store() -> None:
    run({"component": "random_forest", "n_estimators": 3}, repeats=2)
    made = run({"component": "random_forest", "n_estimators": 3}, repeats=3)
    assert made.repeats.height == 3
    execution = made.execution
    assert execution is not None
    assert {stage.key: execution.told[stage.key].status for stage in execution.plan.of("trainer", "repeats")} == {
        "trainer": "cached",
        "repeats": "ran",
    }


def test_a_repeat_that_fails_says_which_one_it_is() -> None:
    with pytest.raises(DataError, match="repeat 2 of 2: seed 1 does not do"):
        run(LimitedTrainer(), repeats=2)


def test_a_gate_on_the_mean_over_repeats_is_known_before_the_run() -> None:
    made = run("random_forest", repeats=2, gates={"repeats.accuracy": ">= 0.5"})
    assert made.gates["passed"].to_list() == [True]
    with pytest.raises(ConfigError, match=r"gates\.repeats\.accuracy: no evaluator measures this"):
        run("random_forest", gates={"repeats.accuracy": ">= 0.5"})


def test_seeds_of_components_within_components_change_too() -> None:
    from hookline.registry.registry import load_registry

    registry = load_registry()
    inner = {"component": "random_forest", "seed": 4}
    stack = registry.build("trainer", "voting", {"trainers": [inner, {"component": "naive_bayes"}]}, "trainer")
    placed = {"transform": (), "featurizer": (), "trainer": (Placed("trainer", stack),)}
    assert list(seeds_in(placed)) == ["trainer"]
    before, after = (one["trainer"][0].component.trainers for one in (placed, reseeded(placed, 3)))  # type: ignore[attr-defined]  # a field of `voting`
    assert [one.seed for one in (before[0], after[0])] == [4, 7]
    assert after[1] is before[1]


def test_the_last_seed_is_followed_by_the_first() -> None:
    from hookline.registry.registry import load_registry

    forest = load_registry().build("trainer", "random_forest", {"seed": 2**32 - 1}, "trainer")
    after: Any = reseeded({"transform": (), "featurizer": (), "trainer": (Placed("trainer", forest),)}, 2)
    assert after["trainer"][0].component.seed == 1


def test_repeats_are_in_the_evidence_and_on_the_page(hookline: Told) -> None:
    line = ("trainer=decision_tree", "repeats=2", "packager=[]", "deployer=null", "monitor=[]", "source=iris")
    code, out, _ = hookline(*line, "--json")
    assert code == 0
    evidence = json.loads(out)
    (report,) = [one for one in evidence["reports"] if one["kind"] == "repeats"]
    assert [table["name"] for table in report["tables"]] == ["mean and spread", "every repeat"]
    code, out, _ = hookline("runs", "show", "last")
    assert code == 0
    assert "repeats.accuracy" in out
    assert '<section id="repeats">' in (Path(hl.runs()["path"][0]) / "report.html").read_text("utf-8")


def test_the_kit_excuses_only_who_says_that_it_varies() -> None:
    excused, blamed = (
        next(one for one in checks_for(trainer) if one.name == "deterministic")
        for trainer in (RestlessTrainer(), RestlessTrainer(steady=True))
    )
    excused()
    with pytest.raises(CheckFailed, match="say why they do in `varies`"):
        blamed()
    assert isinstance(RestlessTrainer(), Varies)
    assert why_varying(RestlessTrainer(steady=True)) is None
