"""The parity certificate: what is compared on which rows, and that a form which answers differently is refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Pipeline, Prediction, Trust
from hookline.cli import main
from hookline.errors import ExportError, HooklineError
from hookline.kinds.fitted import Limit
from hookline.packages.certificate.certificate import require_agreement
from hookline.packages.certificate.certifying import certify, certify_served, json_rows
from hookline.packages.certificate.edges import MOST, EdgeRows, make_edges
from hookline_onnx import OnnxPackager
from hookline_serving.deployers import LocalDeployer
from kit.packages import read

SIZE = 300


def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "amount": rng.normal(size=SIZE),
            "visits": rng.integers(0, 40, SIZE),
            "plan": rng.choice(["basic", "gold", "pro"], SIZE),
            "active": rng.random(SIZE) < 0.5,
            "since": pl.select(pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2020, 1, 13, 11), "1h"))
            .to_series()
            .head(SIZE),
        }
    )
    gap = pl.Series(rng.random(SIZE) < 0.1)
    return frame.with_columns(
        pl.when(~gap).then(pl.col("amount")).alias("amount"),
        pl.when(~gap).then(pl.col("plan")).alias("plan"),
        y=pl.when(pl.col("amount") + pl.col("visits") / 20 > 1).then(pl.lit("yes")).otherwise(pl.lit("no")),
    )


@pytest.fixture(scope="module")
def made(home: Path) -> hl.Run:
    return hl.run(
        source=table(),
        target="y",
        trainer={"component": "random_forest", "n_estimators": 7, "max_depth": 6},
        packager=["onnx", "skops"],
        deployer="local",
        name="churn",
        home=home,
    )


@pytest.fixture(scope="module")
def pipeline(made: hl.Run) -> Pipeline[Any]:
    assert isinstance(made.predictor, Pipeline)
    return made.predictor


@pytest.fixture(scope="module")
def edges(pipeline: Pipeline[Any]) -> EdgeRows:
    return make_edges(pipeline, table(), 0)


def rows_of(edges: EdgeRows, sort: str) -> pl.DataFrame:
    return edges.frame.filter(pl.Series([one == sort for one in edges.sorts]))


def packaged(made: hl.Run) -> Any:
    return read(OnnxPackager(), made.package("onnx"), Trust())


def test_every_package_and_the_served_answers_are_certified_on_every_sort_of_row(made: hl.Run) -> None:
    found = {one["package"]: {a["sort"]: a for a in one["agreements"]} for one in made.evidence["certificates"]}
    assert list(found) == ["onnx", "skops", "served by local"]
    for sorts in found.values():
        assert list(sorts) == ["held_out", "missing", "unseen", "extreme", "boundary"]
        assert all(one["ok"] and one["rows"] and not one["changed_decisions"] for one in sorts.values())
    assert found["skops"]["boundary"]["max_difference"] == 0


def test_the_certificate_lies_in_the_package_under_its_digest(made: hl.Run) -> None:
    manifest = hl.load(made.package("onnx")).manifest  # type: ignore[union-attr]
    assert "certificate.json" in manifest["files"]
    assert manifest["parity"]["rows"] == 90
    held = json.loads((made.package("onnx") / "certificate.json").read_text())
    assert held["ok"]
    assert set(held["agreements"][1]["worst"][0]["row"]) == {"amount", "visits", "plan", "active", "since"}


@pytest.mark.usefixtures("at_home")
def test_models_show_prints_it(made: hl.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "churn"]) == 0
    assert "boundary" in capsys.readouterr().out


def test_the_report_shows_it(made: hl.Run) -> None:
    text = made.report.read_text()
    assert "Parity certificate" in text
    assert "served by local" in text


def test_the_same_seed_makes_the_same_rows(pipeline: Pipeline[Any], edges: EdgeRows) -> None:
    assert make_edges(pipeline, table(), 0).frame.equals(edges.frame)
    assert not make_edges(pipeline, table(), 1).frame.equals(edges.frame)


def test_edges_hold_what_their_sort_says(edges: EdgeRows, pipeline: Pipeline[Any]) -> None:
    assert rows_of(edges, "missing")["amount"].null_count() >= 2
    assert "\N{SNOWMAN} never seen" in rows_of(edges, "unseen")["plan"].to_list()
    extreme = rows_of(edges, "extreme")
    assert {1.7e308, -1.7e308, 5e-324} <= set(extreme["amount"].to_list())
    assert any(np.signbit(value) and value == 0 for value in extreme["visits"].to_list())
    assert {moment.year for moment in extreme["since"].to_list()} >= {1, 9999}


def test_boundary_rows_stand_on_training_values_beside_the_thresholds(edges: EdgeRows, pipeline: Pipeline[Any]) -> None:
    place = pipeline.feature_names.index("amount")
    thresholds = pipeline.model.thresholds()[place]
    asked = rows_of(edges, "boundary")
    x = np.unique(pipeline.features(asked.lazy()).dense()[:, place])
    x = x[np.isfinite(x)]
    nearest = thresholds[np.linspace(0, len(thresholds) - 1, 8).astype(int)]
    assert max(np.abs(x - threshold).min() for threshold in nearest) < 0.05
    values = set(asked["amount"].drop_nulls().to_list())
    exact = values & set(table()["amount"].drop_nulls().to_list())
    assert {float(np.nextafter(value, np.inf)) for value in exact} & values


def test_a_wide_table_makes_no_more_rows(home: Path) -> None:
    rng = np.random.default_rng(0)
    wide = pl.DataFrame({f"x{i}": rng.normal(size=60) for i in range(400)} | {"y": [0, 1] * 30})
    run = hl.run(source=wide, target="y", trainer={"component": "decision_tree"}, evaluator=[], home=home)
    found = make_edges(run.predictor, wide, 0)
    assert found.frame.height <= sum(MOST.values())
    assert found.left_out["extreme"] > 0


@dataclasses.dataclass(frozen=True)
class Changed:
    """A predictor that answers as another one does, but for some rows."""

    inner: Any
    wrong: Callable[[pl.DataFrame], np.ndarray]

    def predict(self, frame: pl.DataFrame) -> Prediction:
        found = self.inner.predict(frame)
        return dataclasses.replace(found, probabilities=found.probabilities + 0.1 * self.wrong(frame)[:, None])


def test_a_package_that_differs_on_edges_alone_is_refused_with_the_row(
    made: hl.Run, pipeline: Pipeline[Any], edges: EdgeRows
) -> None:
    wrong = Changed(
        packaged(made), lambda frame: frame["plan"].is_in(["\N{SNOWMAN} never seen"]).fill_null(False).to_numpy()
    )
    found: Any = certify(OnnxPackager(), pipeline, wrong, table().head(50), edges)
    assert {one.sort for one in found.agreements if not one.ok} == {"unseen"}
    with pytest.raises(ExportError, match=r"on 2 generated unseen rows the largest difference is 0\.1.*never seen"):
        require_agreement(found, "packager 'onnx'", "hint")


class Stated(OnnxPackager):
    """ONNX with a limit."""

    name = "stated"

    def limit(self, pipeline: Any) -> Limit | None:
        return Limit(1e7, "a test says so")


def test_a_stated_limit_excuses_extreme_rows_and_is_told(
    made: hl.Run, pipeline: Pipeline[Any], edges: EdgeRows
) -> None:
    wrong = Changed(packaged(made), lambda frame: (frame["amount"].fill_null(0).abs() > 1e29).to_numpy())
    assert not certify(OnnxPackager(), pipeline, wrong, table(), edges).ok  # type: ignore[arg-type]
    found: Any = certify(Stated(), pipeline, wrong, table(), edges)
    extreme = next(one for one in found.agreements if one.sort == "extreme")
    assert found.ok
    assert extreme.beyond_limit_differing == 4
    assert found.limit.startswith("a test says so")


@dataclasses.dataclass(frozen=True)
class Refusing:
    """A predictor that refuses some rows."""

    inner: Any
    error: type[Exception]

    schema = property(lambda self: self.inner.schema)
    target = property(lambda self: self.inner.target)

    def predict(self, frame: pl.DataFrame) -> Prediction:
        if frame["plan"].is_in(["\N{SNOWMAN} never seen"]).any():
            raise self.error("no such plan")
        found: Prediction = self.inner.predict(frame)
        return found


def test_a_row_that_both_refuse_alike_agrees_and_one_that_only_one_refuses_does_not(
    made: hl.Run, pipeline: Pipeline[Any], edges: EdgeRows
) -> None:
    refusing: Any = Refusing(packaged(made), HooklineError)
    only_one = certify(OnnxPackager(), pipeline, refusing, table(), edges)
    assert [one.sort for one in only_one.agreements if not one.ok] == ["unseen"]

    class Deployer:
        def answer(self, predictor: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            if any(row["plan"] == "\N{SNOWMAN} never seen" for row in rows):
                raise HooklineError("refused")
            return LocalDeployer().answer(predictor.inner, rows)

    both = certify_served(Deployer(), "test", refusing, 1e-5, table(), edges)
    unseen = next(one for one in both.agreements if one.sort == "unseen")
    assert both.ok
    assert (unseen.rows, unseen.refused) == (2, 1)


def test_rows_that_a_contract_rejects_are_refused_alike_by_package_and_server(tmp_path: Path) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text("columns: {plan: {on_violation: reject}}")
    run = hl.run(
        source=table(), target="y", trainer="decision_tree", packager=["onnx"], deployer="local", evaluator=[],
        contract=contract, home=tmp_path / "h",
    )  # fmt: skip
    for one in run.evidence["certificates"]:
        unseen = next(a for a in one["agreements"] if a["sort"] == "unseen")
        assert unseen["ok"]
        assert unseen["refused"] == unseen["rows"] == 2


def test_served_rows_are_json(pipeline: Pipeline[Any], edges: EdgeRows) -> None:
    rows = json_rows(edges.frame, pipeline.schema)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


LYING = """
from hookline import Deployer, Deployment, Package, hookimpl

class Lying(Deployer):
    "Rounds what it answers."
    name = "lying"
    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        return Deployment.single(package.name, package.version, self.name)
    def answer(self, predictor, rows):
        from hookline_serving.http.arms.trial import answer_rows
        told = answer_rows(predictor, rows)
        return [{**one, "probabilities": {k: round(v, 2) for k, v in one["probabilities"].items()}} for one in told]

@hookimpl
def register_deployers() -> list[type[Deployer]]:
    return [Lying]
"""


STUBBORN = """
import dataclasses
from pathlib import Path
import numpy as np
from hookline import Package, Packager, Pipeline, Predictor, SklearnModel, Stored, Trust, hookimpl

@dataclasses.dataclass(frozen=True)
class FirstClass(Pipeline):
    def predict(self, frame):
        found = super().predict(frame)
        return dataclasses.replace(found, values=np.full(len(found.values), self.target.classes[0]))

class Stubborn(Packager):
    "Answers the first class, beside the right probabilities."
    name = "stubborn"
    def save(self, pipeline: Pipeline[SklearnModel], path: Path) -> Package:
        pipeline.model.save(path)
        return Package(path, self.name)
    def load(self, stored: Stored, trust: Trust) -> Predictor:
        held = stored.around(SklearnModel.load(stored.path))
        return FirstClass(**{field.name: getattr(held, field.name) for field in dataclasses.fields(held)})

@hookimpl
def register_packagers() -> list[type[Packager]]:
    return [Stubborn]
"""


def test_a_package_that_changes_labels_alone_fails_the_run(project_module: Any, tmp_path: Path) -> None:
    project_module("stubborn_packager", STUBBORN)
    with pytest.raises(ExportError, match=r"packager 'stubborn' changes predictions.* is inf .* decisions changed"):
        hl.run(source="iris", trainer="logistic_regression", packager=["stubborn"], home=tmp_path / "h")


def test_a_server_that_changes_labels_alone_does_not_agree(
    made: hl.Run, pipeline: Pipeline[Any], edges: EdgeRows
) -> None:
    class Deployer:
        def answer(self, predictor: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [{**one, "prediction": "no"} for one in LocalDeployer().answer(predictor, rows)]

    found = certify_served(Deployer(), "test", packaged(made), 1e-5, table(), edges)
    assert "held_out" in {one.sort for one in found.agreements if not one.ok}


def test_a_deployer_that_answers_otherwise_registers_nothing(project_module: Any, tmp_path: Path) -> None:
    project_module("lying_deployer", LYING)
    with pytest.raises(ExportError, match="deployer 'lying' changes predictions"):
        hl.run(source="iris", trainer="logistic_regression", packager=["onnx"], deployer="lying", home=tmp_path / "h")
    from hookline.workspace.workspace import open_workspace

    assert open_workspace(tmp_path / "h").catalog.models.every_version() == []


@pytest.mark.parametrize(("source", "trainer"), [("breast_cancer", "logistic_regression"), ("diabetes", "ridge")])
def test_a_native_package_whose_sums_float32_rounds_is_served(source: str, trainer: str) -> None:
    run = hl.run(f"source={source}", f"trainer={trainer}", "packager=[skops]", "monitor=[]")
    assert run.evidence["deployment"]["version"] == 1
