"""Programs of PyTorch: they answer as the pipeline does, alone, for any number of rows; what cannot be said is named."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import hookline as hl
from hookline import Packager, Pipeline, Trust
from hookline.errors import ExportError, PlanError, StoreError, UntrustedPackage
from hookline.packages.certificate.parity import measure_parity
from hookline_onnx import TorchExportPackager, TorchscriptPackager
from hookline_onnx.translated.answers import texts
from kit.packages import pipeline_of, read, saved
from kit.processes import run_python

PACKAGERS = [TorchExportPackager(), TorchscriptPackager()]
ALLOWED = Trust(pickle=True)


def rows_of(task: str, rows: int = 200) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    number, text = rng.normal(size=rows), rng.choice(["a", "b", "c d", "é"], rows)
    signal = number + (text == "a") + rng.normal(0, 0.5, rows)
    target: dict[str, Any] = {
        "binary": np.where(signal > 0.3, "yes", "no"),
        "multiclass": np.digitize(signal, [0, 1]),
        "regression": signal * 3,
    }
    frame = pl.DataFrame(
        {
            "number": number,
            "flag": rng.random(rows) < 0.5,
            "text": text,
            "when": [datetime(2019, 1, 1) + timedelta(minutes=int(m)) for m in rng.integers(-(10**7), 10**7, rows)],
            "y": target[task],
        }
    )
    gaps = {name: pl.Series(rng.random(rows) < 0.1) for name in ("number", "flag", "text", "when")}
    return frame.with_columns(pl.when(~gap).then(pl.col(name)).alias(name) for name, gap in gaps.items())


EDGES = pl.DataFrame(
    {
        "number": [None, 1e6, 1e30, 0.1, float("nan")],
        "flag": [None, True, False, None, True],
        "text": [None, "unseen, and longer than any that is known", "", "é", "a\0"],
        "when": [None, datetime(1900, 2, 28, 23, 59), datetime(9999, 12, 31), datetime(1, 1, 1), datetime(1970, 1, 1)],
    },
    schema_overrides={"when": pl.Datetime("us")},
)
FILLED: list[Any] = ["impute", "rare_categories", {"component": "clip", "lower_quantile": 0.01}]


def fitted(task: str, trainer: Any, **config: Any) -> Pipeline[Any]:
    return pipeline_of(source=rows_of(task), target="y", trainer=trainer, **config)


def loaded(packager: Packager, pipeline: Pipeline[Any], path: Path) -> Any:
    path.mkdir(exist_ok=True)
    return read(packager, saved(packager, pipeline, path), ALLOWED)


def require_same(packager: Packager, pipeline: Pipeline[Any], path: Path, *frames: pl.DataFrame) -> None:
    packaged = loaded(packager, pipeline, path)
    for frame in frames:
        parity = measure_parity(pipeline, packaged, frame, packager.tolerance)
        assert parity.ok, parity
        assert parity.changed_decisions == 0


TREES: list[Any] = [
    {"component": "decision_tree", "max_depth": 5},
    {"component": "random_forest", "n_estimators": 5},
    {"component": "hist_gradient_boosting", "max_iter": 5},
]
OTHERS: list[Any] = [
    "logistic_regression",
    "naive_bayes",
    {"component": "mlp", "hidden": [8], "max_epochs": 2},
    {"component": "ft_transformer", "max_epochs": 1, "blocks": 2, "width": 16, "heads": 2},
    {"component": "voting", "trainers": ["logistic_regression", TREES[1]]},
]


def called(trainer: Any) -> str:
    return trainer if isinstance(trainer, str) else str(trainer["component"])


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("trainer", TREES, ids=called)
def test_trees_answer_the_same_for_seen_unseen_and_missing_values(trainer: Any, task: str, tmp_path: Path) -> None:
    pipeline = fitted(task, trainer)
    require_same(TorchscriptPackager(), pipeline, tmp_path, rows_of(task).drop("y"), EDGES)


@pytest.mark.parametrize("trainer", OTHERS, ids=called)
def test_sums_and_networks_answer_the_same_after_cleaning(trainer: Any, tmp_path: Path) -> None:
    pipeline = fitted("multiclass", trainer, transform=FILLED, featurizer={"component": "tabular", "missing": "zero"})
    require_same(
        TorchscriptPackager(),
        pipeline,
        tmp_path,
        rows_of("multiclass").drop("y"),
        EDGES.filter(pl.col("number") != 1e30),
    )


@pytest.mark.parametrize("trainer", [TREES[1], OTHERS[3]], ids=called)
def test_an_exported_program_answers_any_number_of_rows(trainer: Any, tmp_path: Path) -> None:
    pipeline = fitted("binary", trainer, transform=["impute"], featurizer={"component": "tabular", "missing": "zero"})
    rows = rows_of("binary").drop("y")
    require_same(TorchExportPackager(), pipeline, tmp_path, rows, rows[:1], rows[:2])
    assert len(loaded(TorchExportPackager(), pipeline, tmp_path / "again").predict(rows[:0]).values) == 0


@pytest.fixture(scope="module")
def forest() -> Pipeline[Any]:
    """A forest that answers "yes" from a chance of 0.3 on."""
    run = hl.run(source=rows_of("binary"), target="y", trainer=TREES[1], evaluator=[], decision={"threshold": 0.3})
    assert isinstance(run.predictor, Pipeline)
    return run.predictor


ALONE = """
import json, sys, warnings
sys.modules["hookline"] = sys.modules["onnx"] = sys.modules["pandas"] = None
warnings.simplefilter("ignore", DeprecationWarning)
from pathlib import Path
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
from answers import Answers
print(json.dumps(Answers(folder).answer(json.load(sys.stdin))))
"""


@pytest.mark.parametrize("packager", PACKAGERS, ids=lambda packager: packager.name)
def test_raw_rows_are_decided_alike_by_torch_alone(packager: Packager, forest: Pipeline[Any], tmp_path: Path) -> None:
    folder = saved(packager, forest, tmp_path)
    rows = EDGES.vstack(rows_of("binary").drop("y")[:40])
    plain = {name: [v.isoformat() if isinstance(v, datetime) else v for v in rows[name]] for name in rows.columns}
    told = json.loads(run_python(ALONE, folder, input=json.dumps(plain)).stdout)
    expected = forest.predict(rows)
    assert forest.decision is not None
    assert told["prediction"] == expected.values.tolist()
    assert told["probability_yes"] == pytest.approx(expected.probabilities[:, 1].tolist(), abs=1e-6)


def test_columns_may_come_in_any_order(forest: Pipeline[Any], tmp_path: Path) -> None:
    file = saved(TorchExportPackager(), forest, tmp_path) / "model.pt2"
    held = {"hookline.json": ""}
    program = torch.export.load(file, extra_files=held).module()
    width = next(one["width"] for one in json.loads(held["hookline.json"])["columns"] if "width" in one)
    columns = {
        "when": torch.tensor([0]),
        "text": torch.from_numpy(texts(["a"], width)),
        "flag": torch.tensor([1.0], dtype=torch.float64),
        "number": torch.tensor([2.0], dtype=torch.float64),
    }
    one = pl.DataFrame({"number": [2.0], "flag": [True], "text": ["a"], "when": [datetime(1970, 1, 1)]})
    found = program(columns)["probabilities"].numpy()
    np.testing.assert_allclose(found, forest.predict(one).probabilities, atol=1e-6)


def test_intervals_are_told_around_numbers(tmp_path: Path) -> None:
    run = hl.run(
        source=rows_of("regression"),
        target="y",
        trainer=TREES[1],
        evaluator=[],
        intervals={"coverage": 0.9},
        split={"valid": 0.2},
    )
    assert isinstance(run.predictor, Pipeline)
    packaged = loaded(TorchscriptPackager(), run.predictor, tmp_path)
    rows = rows_of("regression").drop("y")
    np.testing.assert_allclose(packaged.predict(rows).intervals, run.predictor.predict(rows).intervals, atol=1e-5)


@pytest.mark.parametrize("packager", PACKAGERS, ids=lambda packager: packager.name)
def test_nothing_of_a_file_is_read_unless_the_caller_allows_what_it_may_run(
    packager: Any, forest: Pipeline[Any], tmp_path: Path
) -> None:
    folder = saved(packager, forest, tmp_path)
    (folder / packager.file).write_bytes(b"no program at all")
    with pytest.raises(UntrustedPackage, match="can run any code"):
        read(packager, folder, Trust())
    with pytest.raises(StoreError, match="cannot be read"):
        read(packager, folder, ALLOWED)


def test_a_program_of_other_columns_is_refused(forest: Pipeline[Any], tmp_path: Path) -> None:
    other = pipeline_of(source=rows_of("binary").drop("when"), target="y", trainer=TREES[1])
    folder = saved(TorchscriptPackager(), forest, tmp_path)
    TorchscriptPackager().save(other, tmp_path)
    with pytest.raises(StoreError, match="takes other columns"):
        read(TorchscriptPackager(), folder, ALLOWED)


@pytest.mark.parametrize(
    ("config", "operator"),
    [
        ({"trainer": "svm"}, "SVMClassifier"),
        ({"transform": [{"component": "parse_numbers", "columns": ["text"]}]}, "RegexFullMatch"),
    ],
    ids=["svm", "parse_numbers"],
)
def test_what_pytorch_has_no_words_for_is_named(config: Any, operator: str, tmp_path: Path) -> None:
    rows = rows_of("binary").with_columns(text=pl.lit("1,5"))
    plain = {"featurizer": {"component": "tabular", "missing": "zero"}, "trainer": TREES[1]}
    pipeline = pipeline_of(source=rows, target="y", **plain | config)
    with pytest.raises(ExportError, match=operator) as caught:
        TorchscriptPackager().save(pipeline, tmp_path)
    assert "[onnx] or [pickle]" in (caught.value.hint or "")


@pytest.mark.parametrize("packager", PACKAGERS, ids=lambda packager: packager.name)
def test_what_is_known_to_have_no_words_is_refused_before_the_run(packager: Packager) -> None:
    config: dict[str, Any] = {"source": rows_of("binary"), "target": "y", "packager": [packager.name]}
    with pytest.raises(PlanError, match=rf"packager '{packager.name}' .*svm needs a support vector machine") as caught:
        hl.plan(**config, trainer="svm")
    assert caught.value.hint == "packagers that have words for all of it: onnx, pickle, skops"
    with pytest.raises(PlanError, match="svm needs"):
        hl.plan(**config, trainer={"component": "calibrated", "trainer": {"component": "svm"}})
    with pytest.raises(PlanError, match="sklearn needs a support vector machine"):
        hl.plan(**config, trainer={"component": "sklearn", "class_name": "NuSVC"})
    numbers = {"component": "parse_numbers", "columns": ["text"]}
    with pytest.raises(PlanError, match="parse_numbers needs patterns"):
        hl.plan(**config, transform=[numbers], trainer="decision_tree")
    around = [{"component": "mlflow", "holds": {"component": packager.name}}]
    with pytest.raises(PlanError, match="packager 'mlflow' .*svm needs"):
        hl.plan(**config | {"packager": around}, trainer="svm")


def test_a_text_is_its_bytes_cut_where_it_is_longer_than_any_that_is_known() -> None:
    assert texts(["é", None, "", "abcd", "a\0"], 3).tolist() == [
        [0xC3, 0xA9, 255],
        [255, 255, 255],
        [255, 255, 255],
        [97, 98, 99],
        [97, 0, 255],
    ]


def test_what_travels_answers_pandas_frames(forest: Pipeline[Any], tmp_path: Path) -> None:
    from hookline_onnx.translated.answers import Answers

    folder = saved(TorchExportPackager(), forest, tmp_path)
    rows = rows_of("binary").drop("y")[:20]
    told = Answers(folder).predict(rows.to_pandas())
    assert told["prediction"].tolist() == forest.predict(rows).values.tolist()


SERVICE = """
import json, sys
from pathlib import Path
sys.modules["hookline"] = None
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
import pandas as pd
from hookline_torch_answers import Answers
print(json.dumps(Answers(folder / "model").predict(pd.DataFrame(json.load(sys.stdin))).to_dict(orient="records")))
"""


def test_a_bento_holds_a_program_and_answers_without_hookline(tmp_path: Path) -> None:
    run = hl.run(
        *("source=iris", "trainer=decision_tree", "packager=[bentoml]", "packager.bentoml.holds=torch_export"),
        *("evaluator=[]", "monitor=[]", "~deployer"),
        home=tmp_path,
    )
    rows = [{"sepal_length_cm": 6.1, "sepal_width_cm": 2.8, "petal_length_cm": 4.7, "petal_width_cm": 1.2}]
    folder = run.package() / "bento"
    told = json.loads(run_python(SERVICE, folder, input=json.dumps(rows)).stdout)
    assert told[0]["prediction"] == hl.load(run.package(), trust=ALLOWED).predict(rows).values[0]
    assert f"torch=={torch.__version__.partition('+')[0]}" in (folder / "requirements.txt").read_text("utf-8")
