"""Every trainer from data through packages, a fresh process and a server, with one and the same answer."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.registry.registry import load_registry
from kit.places import at
from kit.processes import run_hookline
from kit.serving import serving

PICKLED = "packager=[pickle]"
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "adaptive_random_forest": ("wine", ("trainer.n_models=3", PICKLED)),
    "auto": ("wine", ()),
    "calibrated": ("wine", ("trainer.trainer={component:random_forest,n_estimators:20}",)),
    "decision_tree": ("digits", ()),
    "hist_gradient_boosting": ("breast_cancer", ("trainer.max_iter=20",)),
    "hoeffding_tree": ("diabetes", (PICKLED,)),
    "linear_regression": ("diabetes", ()),
    "logistic_regression": ("wine", ()),
    "mlp": ("iris", ("trainer.max_epochs=5",)),
    "random_forest": ("diabetes", ("trainer.n_estimators=20",)),
    "ridge": ("diabetes", ()),
    "river_logistic": ("wine", ()),
    "river_regression": ("diabetes", ()),
    "sgd_classifier": ("wine", ()),
    "sgd_regressor": ("diabetes", ()),
    "sklearn": ("wine", ("trainer.class_name=ExtraTreesClassifier", "+trainer.params.n_estimators=20")),
}

LIKE_ANOTHER = ("adaptive_random_forest", "river_regression")
"""Trainers whose models are of the class of another's here; these take their turn in the long form."""


def test_every_trainer_is_among_the_cases() -> None:
    assert sorted(CASES) == load_registry().names("trainer")


@pytest.mark.parametrize(
    "trainer", [pytest.param(name, marks=pytest.mark.long) if name in LIKE_ANOTHER else name for name in CASES]
)
def test_one_answer_from_run_fresh_process_and_server(
    trainer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, more = CASES[trainer]
    if PICKLED in more:
        monkeypatch.setenv("HOOKLINE_ALLOW_PICKLE", "1")
    run = hl.run(f"source={source}", f"trainer={trainer}", *more)
    assert run.evidence["parity"][0]["ok"]
    rows = hl.load(run.package())  # the contract, to take rows that fit it
    frame = raw_rows(source, rows.schema.names).head(20)
    frame.write_parquet(tmp_path / "rows.parquet")
    expected = run.predict(frame)

    command = ("predict", run.package(), tmp_path / "rows.parquet", "--output", tmp_path / "out.parquet")
    fresh = run_hookline(*command, env=at(tmp_path / "elsewhere"))
    assert fresh.returncode == 0, fresh.stderr
    scored = pl.read_parquet(tmp_path / "out.parquet")["prediction"].to_list()
    with serving(run.evidence["run"]["name"] or source) as server:
        served = [item["prediction"] for item in server.predict(*frame.to_dicts())]
    if run.predictor.target.task == "regression":
        assert scored == pytest.approx(expected.values.tolist(), rel=1e-5)
        assert served == pytest.approx(expected.values.tolist(), rel=1e-5)
    else:
        assert scored == served == expected.values.tolist()


def raw_rows(source: str, names: tuple[str, ...]) -> pl.DataFrame:
    from sklearn import datasets

    return pl.DataFrame(getattr(datasets, f"load_{source}")().data, schema=list(names))
