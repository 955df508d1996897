"""Every trainer from data through packages, a fresh process and a server, with one and the same answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.registry.registry import load_registry
from kit.places import at
from kit.processes import run_python
from kit.serving import serving

MEMBERS = (
    "trainer.trainers=[{component:random_forest,n_estimators:10},{component:hist_gradient_boosting,max_iter:10},%s]"
)
PICKLED = "packager=[pickle]"
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "adaptive_random_forest": ("wine", ("trainer.n_models=3", PICKLED)),
    "auto": ("wine", ()),
    "balanced": ("breast_cancer", ("trainer.trainer={component:hist_gradient_boosting,max_iter:20}",)),
    "calibrated": ("wine", ("trainer.trainer={component:random_forest,n_estimators:20}",)),
    "decision_tree": ("digits", ()),
    "elastic_net": ("diabetes", ("trainer.alpha=0.01",)),
    "extra_trees": ("wine", ("trainer.n_estimators=20",)),
    "ft_transformer": ("iris", ("trainer.max_epochs=3", "trainer.blocks=1", "trainer.width=16", "trainer.heads=2")),
    "gradient_boosting": ("breast_cancer", ("trainer.n_estimators=20",)),
    "hist_gradient_boosting": ("breast_cancer", ("trainer.max_iter=20",)),
    "hoeffding_tree": ("diabetes", (PICKLED,)),
    "lasso": ("diabetes", ()),
    "linear_regression": ("diabetes", ()),
    "log_target": ("diabetes", ("trainer.trainer={component:ridge}",)),
    "logistic_regression": ("wine", ()),
    "mlp": ("iris", ("trainer.max_epochs=5",)),
    "naive_bayes": ("wine", ()),
    "neighbors": ("diabetes", ("trainer.weights=distance",)),
    "quantile_band": ("diabetes", ("trainer.trainer={component:quantile_regression}",)),
    "quantile_regression": ("diabetes", ("trainer.quantile=0.9",)),
    "random_forest": ("diabetes", ("trainer.n_estimators=20",)),
    "ridge": ("diabetes", ()),
    "river_logistic": ("wine", ()),
    "river_regression": ("diabetes", ()),
    "sgd_classifier": ("wine", ()),
    "sgd_regressor": ("diabetes", ()),
    "sklearn": ("wine", ("trainer.class_name=AdaBoostClassifier", "+trainer.params.n_estimators=20")),
    "sklearn_mlp": ("breast_cancer", ("trainer.max_iter=20",)),
    "stacking": ("breast_cancer", (MEMBERS % "svm", "trainer.folds=3")),
    "svm": ("wine", ()),
    "voting": ("wine", (MEMBERS % "logistic_regression", "trainer.weights=[2,1,1]")),
}

APART = ("keras_mlp",)
"""Trainers that have an environment of their own, and tests there."""
LIKE_ANOTHER = (
    *(
        "adaptive_random_forest",
        "elastic_net",
        "extra_trees",
        "ft_transformer",
        "gradient_boosting",
        "lasso",
        "naive_bayes",
    ),
    *("quantile_regression", "river_regression", "sgd_regressor", "sklearn_mlp"),
)
"""Trainers whose models are of the class of another's here; these are served in the long form."""
ALLOWED = {"HOOKLINE_ALLOW_PICKLE": "1"}

FRESH = """
import json, sys
import polars as pl
import hookline as hl
for package, rows in json.loads(sys.argv[1]):
    print(json.dumps(hl.load(package).predict(pl.read_parquet(rows)).values.tolist()))
"""


@dataclass(frozen=True)
class Made:
    """A trainer's run, some raw rows, and what a fresh process answers them by the package."""

    run: hl.Run
    rows: pl.DataFrame
    fresh: list[Any]


def test_every_trainer_is_among_the_cases() -> None:
    assert sorted([*CASES, *APART]) == load_registry().names("trainer")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Made]:
    """A run of every trainer, and what its package answers in a process that knows nothing of it."""
    folder = tmp_path_factory.mktemp("trainers")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (ALLOWED | {"HOOKLINE_HOME": str(folder / "home")}).items():
            patch.setenv(name, value)
        for trainer, (source, more) in CASES.items():
            run = hl.run(f"source={source}", f"trainer={trainer}", *more, f"name={trainer}", "monitor=[]")
            rows = raw_rows(source, hl.load(run.package()).schema.names).head(20)
            rows.write_parquet(folder / f"{trainer}.parquet")
            found[trainer] = (run, rows)
    asked = [[str(run.package()), str(folder / f"{trainer}.parquet")] for trainer, (run, _) in found.items()]
    done = run_python(FRESH, json.dumps(asked), env=at(folder / "elsewhere") | ALLOWED, timeout=240)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {trainer: Made(*found[trainer], answer) for trainer, answer in zip(found, answers, strict=True)}


@pytest.mark.parametrize("trainer", CASES)
def test_one_answer_from_run_and_fresh_process(trainer: str, made: Mapping[str, Made]) -> None:
    one = made[trainer]
    assert one.run.evidence["parity"][0]["ok"]
    require_same(one.fresh, one)


@pytest.mark.parametrize(
    "trainer", [pytest.param(name, marks=pytest.mark.long) if name in LIKE_ANOTHER else name for name in CASES]
)
def test_one_answer_from_run_and_server(trainer: str, made: Mapping[str, Made]) -> None:
    one = made[trainer]
    with serving(one.run.package(), **ALLOWED) as server:
        require_same([item["prediction"] for item in server.predict(*one.rows.to_dicts())], one)


def require_same(found: list[Any], one: Made) -> None:
    expected = one.run.predict(one.rows).values.tolist()
    if one.run.predictor.target.task == "regression":
        assert found == pytest.approx(expected, rel=1e-5)
    else:
        assert found == expected


def raw_rows(source: str, names: tuple[str, ...]) -> pl.DataFrame:
    from sklearn import datasets

    return pl.DataFrame(getattr(datasets, f"load_{source}")().data, schema=list(names))
