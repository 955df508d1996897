"""hookline as a library: no project, no YAML, no server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import polars as pl
import pytest
from annotated_types import Gt

import hookline as hl
from hookline.errors import ConfigError, DataError, UsageError
from kit.places import own_home


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture
def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    size = rng.normal(size=300)
    color = rng.choice(["red", "green", "blue"], 300)
    bought = np.where(size + (color == "red") + rng.normal(0, 0.3, 300) > 0.3, "yes", "no")
    return pl.DataFrame({"size": size, "color": color, "bought": bought})


def test_a_table_in_memory_becomes_a_model_in_one_line(table: pl.DataFrame) -> None:
    run = hl.run(source=table, target="bought", trainer="random_forest")
    assert run.metrics["accuracy"] > 0.8
    answer = run.predict([{"size": 3.0, "color": "red"}, {"size": -2.0, "color": "pink"}])
    assert answer.values.tolist() == ["yes", "no"]
    assert answer.warnings[1] == ("color: 'pink' was never seen in training",)
    assert list(Path.cwd().iterdir()) == []


def test_a_csv_and_component_objects_need_no_yaml(table: pl.DataFrame) -> None:
    from hookline_polars import ClipTransform, FileSource
    from hookline_sklearn import RandomForestTrainer

    table.write_csv("x.csv")
    run = hl.run(
        source=FileSource(path=Path("x.csv")),
        transform=[ClipTransform(lower=-2.0)],
        trainer=RandomForestTrainer(n_estimators=20),
        roles=hl.Roles(target="bought"),
        packager=["onnx"],
    )
    assert run.evidence["config"]["trainer"]["n_estimators"] == 20
    loaded = hl.load(run.package())
    assert loaded.predict(table).values.tolist() == run.predict(table).values.tolist()


def test_a_component_of_this_very_module_works(table: pl.DataFrame) -> None:
    class Nearest(hl.Trainer):
        """Closest rows."""

        name = "nearest_here"
        neighbors: Annotated[int, Gt(0)] = 5

        def fit(self, train: hl.Features, valid: hl.Features | None) -> hl.SklearnModel:
            from sklearn.neighbors import KNeighborsClassifier

            return hl.SklearnModel.of(KNeighborsClassifier(self.neighbors).fit(train.X, train.y), train)

    run = hl.run(source=table, target="bought", trainer=Nearest(neighbors=7), packager=["skops"])
    assert run.metrics["accuracy"] > 0.8


def test_a_component_without_a_source_file_works() -> None:
    code = (
        "class Constant(hl.Trainer):\n"
        "    name = 'constant'\n"
        "    def fit(self, train: hl.Features, valid: hl.Features | None) -> hl.SklearnModel:\n"
        "        from sklearn.dummy import DummyClassifier\n"
        "        return hl.SklearnModel.of(DummyClassifier().fit(train.X, train.y), train)\n"
    )
    namespace: dict[str, object] = {"hl": hl, "__name__": "__main__"}
    exec(compile(code, "<cell 1>", "exec"), namespace)
    run = hl.run(source="iris", trainer=namespace["Constant"]())  # type: ignore[operator]
    assert run.metrics["accuracy"] == pytest.approx(1 / 3)


def test_pandas_frames_are_taken(table: pl.DataFrame) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({name: table[name].to_list() for name in table.columns})
    run = hl.run(source=frame, target="bought", trainer="logistic_regression")
    assert run.predict(frame.head(3)).values.shape == (3,)


def test_the_same_table_is_recognized_and_nothing_runs_twice(table: pl.DataFrame) -> None:
    first = hl.run(source=table, target="bought", trainer="decision_tree")
    again = hl.run(source=table.clone(), target="bought", trainer="decision_tree")
    assert first.metrics == again.metrics
    assert set(again.stages()["status"]) <= {"cached", "unneeded"}


def test_rows_that_nothing_needs_are_not_read_again(table: pl.DataFrame) -> None:
    first = hl.run(source=table, target="bought", trainer="decision_tree")
    (rows,) = own_home().glob("store/??/*/test.arrow")
    rows.write_bytes(b"x" * rows.stat().st_size)
    again = hl.run(source=table, target="bought", trainer="decision_tree")
    assert (again.evidence["data"], again.evidence["split"]) == (first.evidence["data"], first.evidence["split"])
    assert rows.is_file()
    # What does need them finds the damage, and makes them anew.
    other = hl.run(source=table, target="bought", trainer="logistic_regression")
    assert other.evidence["split"] == first.evidence["split"]


def test_a_run_is_loaded_by_last_by_id_and_by_folder(table: pl.DataFrame) -> None:
    run = hl.run(source=table, target="bought", trainer="decision_tree", packager=["onnx"])
    for name in ("last", run.id, str(run.path)):
        loaded = hl.load(name)
        assert isinstance(loaded, hl.Run)
        assert loaded.metrics == run.metrics
        assert loaded.predict(table.head(5)).values.tolist() == run.predict(table.head(5)).values.tolist()


def test_results_show_themselves_in_a_notebook(table: pl.DataFrame) -> None:
    run = hl.run(source=table, target="bought", trainer="decision_tree")
    assert "accuracy" in run._repr_html_()
    assert "<table" in run.predict(table.head(2))._repr_html_()


def test_a_fitted_estimator_gets_the_same_report() -> None:
    from sklearn.datasets import load_wine
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, log_loss
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = load_wine(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[::2], y[::2])
    report = hl.evaluate(model, X[1::2], y[1::2])
    assert report["accuracy"] == pytest.approx(accuracy_score(y[1::2], model.predict(X[1::2])))
    assert report["log_loss"] == pytest.approx(log_loss(y[1::2], model.predict_proba(X[1::2])))
    assert {chart.name for chart in report.charts} >= {"confusion_matrix"}


def test_a_fitted_regressor_too() -> None:
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score

    X, y = load_diabetes(return_X_y=True)
    model = Ridge().fit(X[::2], y[::2])
    assert hl.evaluate(model, X[1::2], y[1::2])["r2"] == pytest.approx(r2_score(y[1::2], model.predict(X[1::2])))


def test_a_gate_that_says_no_leaves_the_run_and_moves_nothing(tmp_path: Path) -> None:
    with pytest.raises(hl.errors.GateFailed, match="accuracy is .* must be at least 1"):
        hl.run("trainer=decision_tree", "source=wine", "gates.accuracy=1.0", "trainer.max_depth=1")
    run = hl.load("last")
    assert isinstance(run, hl.Run)
    assert run.status == "gated"
    with pytest.raises(UsageError):
        hl.load("wine@champion")


def test_a_gate_on_what_nobody_measures_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"gates.acuracy.*did you mean 'accuracy'"):
        hl.plan("source=iris", "trainer=decision_tree", "gates.acuracy=0.5")
    with pytest.raises(ConfigError, match=r"gates.r2: no evaluator measures this"):
        hl.plan("source=iris", "trainer=logistic_regression", "gates.r2=0.5")
    with pytest.raises(ConfigError, match=r"gates.f1: no evaluator measures this"):
        hl.plan("source=iris", "task=regression", "trainer=decision_tree", "gates.f1=0.5")


def test_a_gate_on_another_task_is_refused_once_the_task_is_known() -> None:
    with pytest.raises(ConfigError, match=r"gates.rmse: no evaluator measures this"):
        hl.run("source=iris", "trainer=decision_tree", "gates.rmse=0.5")
    run = hl.load("last")
    assert isinstance(run, hl.Run)
    stages = {stage["key"]: stage["status"] for stage in run.evidence["plan"]}
    assert (stages["target"], stages["trainer"]) == ("ran", "not reached")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.with_columns(bought=pl.lit("yes")), "one value only, 'yes'"),
        (lambda t: t.with_columns(bought=pl.lit(None, pl.String)), "missing"),
        (lambda t: t.select("bought"), "no feature column"),
        (lambda t: t.drop("bought"), "roles names columns"),
        (lambda t: t.with_columns(bought=pl.when(pl.int_range(pl.len()) > 5).then("bought")), "drop_missing_target"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_one_clear_error(table: pl.DataFrame, change: object, told: str) -> None:
    with pytest.raises(DataError, match=told):
        hl.run(source=change(table), target="bought", trainer="decision_tree")  # type: ignore[operator]


def test_the_users_own_exception_is_not_wrapped_but_says_where(table: pl.DataFrame) -> None:
    class Failing(hl.Trainer):
        """Fails."""

        name = "failing"

        def fit(self, train: hl.Features, valid: hl.Features | None) -> hl.SklearnModel:
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        hl.run(source=table, target="bought", trainer=Failing())
    assert "in stage 'trainer' (failing)" in caught.value.__notes__[0]


def test_overrides_and_mappings_do_not_mix() -> None:
    with pytest.raises(UsageError, match="not both"):
        hl.run("trainer=ridge", {"source": "diabetes"})


def test_row_ids_travel_to_the_prediction(table: pl.DataFrame) -> None:
    named = table.with_columns(customer=pl.format("c{}", pl.int_range(pl.len())))
    run = hl.run(source=named, roles={"target": "bought", "id": "customer"}, trainer="decision_tree")
    frame = run.predict(named.tail(3)).frame()
    assert frame["row_id"].to_list() == ["c297", "c298", "c299"]
    assert "customer" not in [column.name for column in run.predictor.schema.columns]


def test_weights_count() -> None:
    frame = pl.DataFrame(
        {"x": [0.0, 0.0, 1.0, 1.0] * 50, "y": ["a", "b", "a", "b"] * 50, "w": [9.0, 1.0, 1.0, 9.0] * 50}
    )
    run = hl.run(source=frame, roles={"target": "y", "weight": "w"}, trainer="decision_tree")
    assert run.predict([{"x": 0.0}, {"x": 1.0}]).values.tolist() == ["a", "b"]
    assert run.metrics["accuracy"] == pytest.approx(0.9, abs=0.03)
