"""The ONNX packager: what it refuses to write, what it refuses to read, and what is in the file."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
from onnx import TensorProto, helper
from sklearn.base import BaseEstimator, ClassifierMixin

import hookline as hl
from hookline import Features, Model, Pipeline, Prediction, PredictsRows, SklearnModel, Trust
from hookline.errors import DataError, ExportError, StoreError
from hookline.packages.pipeline import FittedStage
from hookline_onnx import OnnxPackager
from hookline_onnx import predictor as predictor_module
from hookline_onnx.fold import fold
from hookline_onnx.intake import LOOKED_UP, gather
from hookline_onnx.lookup import look_up
from kit.packages import pipeline_of, read, saved

ROWS = pl.DataFrame(
    {
        "x": [0.1, None, 2.0, 3.5, -1.0] * 16,
        "s": ["a", "b", None, "a", "c"] * 16,
        "t": [datetime(2026, 1, 1) + timedelta(days=i) for i in range(80)],
        "y": ["no", "no", "yes", "yes", "no"] * 16,
    }
)


def fitted(frame: pl.DataFrame = ROWS, **config: Any) -> Pipeline[Any]:
    shallow = {"component": "decision_tree", "max_depth": 3}
    return pipeline_of(source=frame, target="y", **{"trainer": shallow} | config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"transform": ["normalize_text"]}, r"transform 'normalize_text' cannot be said in ONNX \(columns s\)"),
        (
            {"transform": [{"component": "cast", "dtypes": {"x": "string"}}]},
            r"transform 'cast' to string .*\(column x\)",
        ),
        (
            {
                "transform": [
                    {
                        "component": "map_values",
                        "column": "s",
                        "old": ["a", "b", "c"],
                        "new": [1, 2, 3],
                        "default": "error",
                    }
                ]
            },
            r"transform 'map_values' cannot be said in ONNX \(column s\)",
        ),
        ({"featurizer": {"component": "tabular", "categorical": "hashing"}}, "featurizer 'tabular' hashes 's'"),
        (
            {
                "trainer": {"component": "sklearn", "class_name": "RidgeClassifier"},
                "featurizer": {"component": "tabular", "missing": "zero"},
            },
            "RidgeClassifier gives no probabilities in ONNX",
        ),
    ],
    ids=["normalize_text", "cast", "map_values", "hashing", "no probabilities"],
)
def test_a_part_that_onnx_has_no_words_for_is_named(config: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=message) as caught:
        OnnxPackager().save(fitted(**config), tmp_path)
    assert "skops" in str(caught.value.hint)
    assert not (tmp_path / "model.onnx").exists()


class Odd(ClassifierMixin, BaseEstimator):
    classes_ = np.array([0, 1])

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.tile([0.25, 0.75], (len(X), 1))


class Foreign(Model):
    def predict(self, features: Features) -> Prediction:
        return Prediction(np.zeros(len(features.X), dtype=np.int64))

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Foreign:
        return cls()


@pytest.mark.parametrize(
    ("model", "name"), [(SklearnModel(Odd()), "Odd"), (Foreign(), "Foreign")], ids=["estimator", "model"]
)
def test_a_model_that_onnx_has_no_words_for_is_named(model: Model, name: str, tmp_path: Path) -> None:
    pipeline = dataclasses.replace(fitted(), model=model)
    with pytest.raises(ExportError, match=f"{name} cannot be said in ONNX"):
        OnnxPackager().save(pipeline, tmp_path)


@dataclasses.dataclass(frozen=True)
class Mute:
    """A fitted transform that does not export itself."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame


def test_a_transform_without_an_export_is_named(tmp_path: Path) -> None:
    pipeline = dataclasses.replace(fitted(), transforms=(FittedStage("transform.mute", "mute", Mute()),))
    with pytest.raises(ExportError, match=r"transform 'mute' cannot be said in ONNX: it has no to_onnx\(\)"):
        OnnxPackager().save(pipeline, tmp_path)


def test_a_run_stops_at_a_part_that_cannot_be_said() -> None:
    with pytest.raises(ExportError, match="normalize_text"):
        hl.run(source=ROWS, target="y", transform=["normalize_text"], trainer="decision_tree", packager=["onnx"])


@pytest.mark.parametrize("damage", ["empty", "junk", "half", "missing"])
def test_a_damaged_file_is_a_store_error(damage: str, tmp_path: Path) -> None:
    path = saved(OnnxPackager(), fitted(), tmp_path)
    file = path / "model.onnx"
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "junk": b"\xffjunk" * 40, "half": content[: len(content) // 2]}[damage])
    with pytest.raises(StoreError, match=r"model\.onnx"):
        read(OnnxPackager(), path, Trust())


def test_a_changed_file_in_a_sealed_package_is_a_store_error() -> None:
    run = hl.run(source=ROWS, target="y", trainer="decision_tree", packager=["onnx"])
    file = run.package("onnx") / "model.onnx"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(StoreError, match=r"model\.onnx is not what the manifest says"):
        hl.load(run.package("onnx"))


def outside(name: str) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.INT64, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../secret.bin")
    return tensor


@pytest.mark.parametrize("place", ["initializer", "constant", "subgraph"])
def test_weights_outside_the_package_are_refused_wherever_they_hide(place: str, tmp_path: Path) -> None:
    path = saved(OnnxPackager(), fitted(), tmp_path)
    graph = onnx.load(path / "model.onnx")
    if place == "initializer":
        graph.graph.initializer.append(outside("w"))
    else:
        constant = helper.make_node("Constant", [], ["w"])
        constant.attribute.append(helper.make_attribute("value", outside("w")))
        if place == "subgraph":
            inner = helper.make_graph([constant], "inner", [], [])
            constant = helper.make_node("If", ["missing"], [], then_branch=inner, else_branch=inner)
        graph.graph.node.append(constant)
    (path / "model.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(StoreError, match="keeps weights in other files"):
        read(OnnxPackager(), path, Trust())


def test_operators_that_are_not_onnxs_own_are_refused(tmp_path: Path) -> None:
    path = saved(OnnxPackager(), fitted(), tmp_path)
    graph = onnx.load(path / "model.onnx")
    graph.opset_import.append(helper.make_opsetid("com.example", 1))
    onnx.save(graph, path / "model.onnx")
    with pytest.raises(StoreError, match=r"needs operators of com\.example"):
        read(OnnxPackager(), path, Trust())


def test_the_file_runs_with_nothing_but_onnxruntime(tmp_path: Path) -> None:
    pipeline = fitted()
    session = onnxruntime.InferenceSession(
        saved(OnnxPackager(), pipeline, tmp_path) / "model.onnx", providers=["CPUExecutionProvider"]
    )
    assert {i.name: (i.type, i.shape) for i in session.get_inputs()} == {
        "x": ("tensor(double)", ["N", 1]),
        "s": ("tensor(string)", ["N", 1]),
        "t": ("tensor(int64)", ["N", 1]),
    }
    moment = int(datetime(2026, 1, 3, tzinfo=UTC).timestamp() * 1e6)
    feeds = {
        "x": np.array([[2.0], [np.nan]]),
        "s": np.array([["a"], [""]], dtype=object),
        "t": np.array([[moment], [-(2**63)]]),
    }
    label, probabilities = session.run(["label", "probabilities"], feeds)
    rows = pl.DataFrame({"x": [2.0, None], "s": ["a", None], "t": [datetime(2026, 1, 3), None]})
    expected = pipeline.predict(rows)
    assert label.tolist() == expected.values.tolist()
    np.testing.assert_allclose(probabilities, expected.probabilities, atol=1e-6)


def test_the_file_says_what_it_predicts(tmp_path: Path) -> None:
    graph = onnx.load(saved(OnnxPackager(), fitted(), tmp_path) / "model.onnx")
    onnx.checker.check_model(graph)
    facts = {entry.key: entry.value for entry in graph.metadata_props}
    assert facts["hookline.task"] == "binary"
    assert json.loads(facts["hookline.classes"]) == ["no", "yes"]
    assert (graph.producer_name, graph.producer_version) == ("hookline", hl.__version__)


def test_no_rows_give_no_predictions(tmp_path: Path) -> None:
    loaded = read(OnnxPackager(), saved(OnnxPackager(), fitted(), tmp_path), Trust())
    prediction = loaded.predict(ROWS.head(0))
    assert len(prediction.values) == 0
    assert prediction.probabilities is not None
    assert prediction.probabilities.shape == (0, 2)


def test_rows_that_break_the_contract_are_refused_by_column(tmp_path: Path) -> None:
    loaded = read(OnnxPackager(), saved(OnnxPackager(), fitted(), tmp_path), Trust())
    with pytest.raises(DataError, match=r"x: must be a number(.|\n)*t: is missing"):
        loaded.predict(pl.DataFrame({"x": ["word"], "s": ["a"]}))


def test_rows_unlike_training_are_answered_with_a_warning(tmp_path: Path) -> None:
    pipeline = fitted()
    loaded = read(OnnxPackager(), saved(OnnxPackager(), pipeline, tmp_path), Trust())
    rows = pl.DataFrame({"x": [1e9], "s": ["z"], "t": [datetime(2026, 1, 3)]})
    found = loaded.predict(rows).warnings
    assert found == pipeline.predict(rows).warnings
    assert len(found[0]) == 2


def test_rows_of_many_slices_are_answered_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hookline_onnx.predictor.BATCH", 30)
    monkeypatch.setattr("hookline_onnx.predictor.SLICE", 7)
    known = ROWS.with_columns(b=pl.int_range(80) % 2 == 0)
    pipeline = fitted(known)
    rows = pl.concat([known, known.reverse(), known.with_columns(s=pl.lit("never seen"))])
    expected = pipeline.predict(rows)
    found = read(OnnxPackager(), saved(OnnxPackager(), pipeline, tmp_path), Trust()).predict(rows)
    assert found.values.tolist() == expected.values.tolist()
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
    assert found.warnings == expected.warnings


def test_ids_come_back_with_the_predictions(tmp_path: Path) -> None:
    frame = ROWS.with_columns(key=pl.Series([f"r{i}" for i in range(80)]))
    pipeline = fitted(frame, roles={"id": "key"})
    prediction = read(OnnxPackager(), saved(OnnxPackager(), pipeline, tmp_path), Trust()).predict(frame[5:7])
    assert prediction.row_ids is not None
    assert prediction.row_ids.tolist() == ["r5", "r6"]


@pytest.mark.parametrize("largest", [0, 2**30], ids=["large graph", "small graph"])
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"featurizer": {"component": "tabular", "categorical": "ordinal"}},
        {"featurizer": {"component": "tabular", "categorical": "target"}},
        {"featurizer": {"component": "tabular", "max_categories": 2}, "transform": ["impute", "rare_categories"]},
        {"transform": [{"component": "map_values", "column": "s", "old": ["a"], "new": ["b"]}]},
    ],
    ids=["one hot", "ordinal", "target", "filled and rare", "mapped"],
)
def test_rows_of_values_are_answered_as_a_frame_is(
    largest: int, config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hookline_onnx.predictor.MOST_TWICE", largest)
    start = datetime(2026, 1, 1)
    known = ROWS.with_columns(b=pl.int_range(80) % 2 == 0, full=pl.lit("all"), many=pl.int_range(80).cast(pl.String))
    predictor = read(OnnxPackager(), saved(OnnxPackager(), fitted(known, **config), tmp_path), Trust())
    assert isinstance(predictor, PredictsRows)
    rows: list[tuple[Any, ...]] = [
        (0.5, "a", start, True, "all", "1"),
        (None, "never seen", start + timedelta(days=900), None, None, "2"),
        (99, None, None, False, "", None),
        (-1.0, "c", start, True, "other", "x"),
        (2, "", start, False, "all", "79"),
    ]
    frame = pl.DataFrame(rows, schema=predictor.schema.names, orient="row", strict=False)
    by_frame, by_row = predictor.predict(frame), predictor.predict_rows(rows)
    assert by_row.probabilities is not None
    np.testing.assert_allclose(by_row.probabilities, by_frame.probabilities, atol=1e-6)
    assert by_row.values.tolist() == by_frame.values.tolist()


def test_a_second_session_is_made_only_for_rows_of_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    session = predictor_module._session
    monkeypatch.setattr(predictor_module, "_session", lambda graph, file: made.append(1) or session(graph, file))
    predictor = read(OnnxPackager(), saved(OnnxPackager(), fitted(), tmp_path), Trust())
    assert predictor.predict(ROWS).values.shape == (80,)
    assert len(made) == 1
    assert predictor.predict_rows([]).values.shape == (0,)
    assert len(made) == 2
    assert predictor.predict_rows([(0.5, "a", None)]).values.shape == (1,)
    assert len(made) == 2


def test_texts_that_a_graph_only_compares_are_looked_up_before_it(tmp_path: Path) -> None:
    graph = onnx.load(saved(OnnxPackager(), fitted(), tmp_path) / "model.onnx")
    intake = gather(graph, fitted().schema)
    found = intake([(0.5, "a", None), (0.5, "never seen", None)])
    (looked_up,) = [array for name, array in found.items() if name.startswith(LOOKED_UP)]
    assert not {"LabelEncoder", "Equal"} & {node.op_type for node in graph.graph.node if "s" in node.input}
    assert looked_up.astype(int).sum(axis=1).tolist() == [1, 0]


def test_a_text_that_a_graph_does_something_else_with_is_left_to_it() -> None:
    nodes = [
        helper.make_node("StringNormalizer", ["s"], ["lower"], case_change_action="LOWER"),
        helper.make_node("Equal", ["s", "a"], ["same"]),
    ]
    graph = helper.make_graph(
        nodes,
        "texts",
        [helper.make_tensor_value_info("s", TensorProto.STRING, ["N", 1])],
        [helper.make_tensor_value_info("lower", TensorProto.STRING, ["N", 1])],
        [helper.make_tensor("a", TensorProto.STRING, [1], ["a"])],
    )
    model = helper.make_model(graph)
    assert look_up(model, ["s"]) == []
    assert [given.name for given in model.graph.input] == ["s"]


def test_a_text_that_is_filled_and_looked_up_is_looked_up_at_once() -> None:
    texts = [helper.make_tensor(name, TensorProto.STRING, [1], [text]) for name, text in (("a", ""), ("b", "gold"))]
    nodes = [
        *(helper.make_node("Constant", [], [f"{tensor.name}_text"], value=tensor) for tensor in texts),
        helper.make_node("Equal", ["x", "a_text"], ["absent"]),
        helper.make_node("Where", ["absent", "b_text", "x"], ["filled"]),
        helper.make_node(
            "LabelEncoder",
            ["filled"],
            ["y"],
            domain="ai.onnx.ml",
            keys_strings=["basic", "gold"],
            values_int64s=[0, 1],
            default_int64=7,
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "plan",
        [helper.make_tensor_value_info("x", TensorProto.STRING, ["N", 1])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, ["N", 1])],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    rows = {"x": np.array([["basic"], ["gold"], [""], ["tin"]], dtype=object)}
    before = onnxruntime.InferenceSession(model.SerializeToString()).run(None, rows)[0]
    fold(model.graph)
    after = onnxruntime.InferenceSession(model.SerializeToString()).run(None, rows)[0]
    assert [node.op_type for node in model.graph.node] == ["LabelEncoder"]
    assert after.tolist() == before.tolist() == [[0], [1], [1], [7]]


def test_a_graph_that_lacks_a_column_of_the_contract_is_a_store_error(tmp_path: Path) -> None:
    path = saved(OnnxPackager(), fitted(), tmp_path)
    graph = onnx.load(path / "model.onnx")
    next(given for given in graph.graph.input if given.name == "s").name = "other"
    onnx.save(graph, path / "model.onnx")
    with pytest.raises(StoreError, match="has no input for s"):
        read(OnnxPackager(), path, Trust())


def test_threads_that_ask_first_share_one_session_and_the_files_bytes_are_let_go(tmp_path: Path) -> None:
    pipeline = fitted()
    few = read(OnnxPackager(), saved(OnnxPackager(), pipeline, tmp_path), Trust()).few
    rows = [[ROWS.row(0, named=True)[name] for name in pipeline.schema.names]]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(few.answer, [rows] * 8))
        made = set(pool.map(lambda _: id(few._ready()[0]), range(8)))
    assert made == {id(few._made[0])}
    assert few._written is None
