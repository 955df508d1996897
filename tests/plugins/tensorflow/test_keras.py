"""Keras models by hookline: seeded, resumed bit for bit, and packaged so that TensorFlow alone answers alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Feature, Features, Target, Trust
from hookline.errors import UntrustedPackage
from hookline.kinds.fitting import checkpoints_in
from hookline_tensorflow import KerasMlpTrainer
from hookline_tensorflow.checked import require_harmless
from hookline_tensorflow.model import OwnModel
from hookline_tensorflow.runtime import keras
from kit.apart import needs_tensorflow
from kit.processes import run_python

needs_tensorflow()

SMALL: dict[str, Any] = {"hidden": (8,), "max_epochs": 3, "batch_size": 64, "learning_rate": 0.01, "dropout": 0.2}


def labeled() -> Features:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 4)).astype(np.float32)
    named = tuple(Feature(f"x{i}", "float32", (f"x{i}",), f"x{i}") for i in range(4))
    return Features(X, named, y=(X[:, 0] > 0).astype(np.int64), target=Target("y", "binary", (0, 1)))


def same(one: Any, other: Any) -> bool:
    weights = zip(one.module.get_weights(), other.module.get_weights(), strict=True)
    return all(np.array_equal(mine, theirs) for mine, theirs in weights)


def test_training_that_was_cut_off_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hookline_tensorflow.training import fitting

    class CutOff(Exception):
        """A stand-in for a kill."""

    plain, trainer = fitting.save, KerasMlpTrainer(**SMALL)

    def cut(folder: Path, module: Any, progress: Any) -> None:
        plain(folder, module, progress)
        if progress.epoch == 2:
            raise CutOff

    whole = trainer.fit(labeled(), None)
    with monkeypatch.context() as patch, checkpoints_in(tmp_path / "kept"), pytest.raises(CutOff):
        patch.setattr(fitting, "save", cut)
        trainer.fit(labeled(), None)
    with checkpoints_in(tmp_path / "kept"):
        assert same(whole, trainer.fit(labeled(), None))


ALONE = """
import json, sys
import tensorflow as tf
answer = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
said = answer(age=tf.constant([20.0, float("nan")], tf.float64), job_title=tf.constant(["a", ""]))
assert "hookline" not in sys.modules
print(json.dumps(said["probabilities"].numpy().tolist()))
"""


def test_packages_answer_alike_and_tensorflow_alone_does_too() -> None:
    rng = np.random.default_rng(0)
    age, job = rng.normal(40, 10, 200), [["a", "b", None][place] for place in rng.integers(0, 3, 200)]
    rows = pl.DataFrame({"age": age, "job title": job, "label": np.where(age > 40, "yes", "no")})
    options = {"trainer": KerasMlpTrainer(**SMALL), "packager": ["onnx", "saved_model"], "evaluator": [], "monitor": []}
    run = hl.run("featurizer.tabular.missing=zero", source=rows, target="label", **options)
    assert all(one["ok"] for one in run.evidence["parity"])
    hl.load(run.package("saved_model"))
    asked = pl.DataFrame({"age": [20.0, None], "job title": ["a", None]})
    folder = run.package("saved_model") / "saved_model"
    told = json.loads(run_python(ALONE, str(folder), timeout=120).stdout.splitlines()[-1])
    np.testing.assert_allclose(told, run.predict(asked).probabilities, atol=1e-6)


def saved(folder: Path, answer: Callable[[Any], Any]) -> Path:
    """Write a SavedModel that answers a number by `answer`."""
    import tensorflow as tf

    function = tf.function(lambda x: {"value": answer(x)}, autograph=False)
    spec = tf.TensorSpec([None], tf.float32, name="x")
    tf.saved_model.save(tf.Module(), str(folder), signatures={"serving_default": function.get_concrete_function(spec)})
    return folder


def edited(folder: Path, change: Callable[[Any], None]) -> Path:
    """Have `change` edit what the SavedModel's file says."""
    from tensorflow.core.protobuf import saved_model_pb2

    file, model = folder / "saved_model.pb", saved_model_pb2.SavedModel()
    model.ParseFromString(file.read_bytes())
    change(model.meta_graphs[0])
    file.write_bytes(model.SerializeToString())
    return folder


def refused(folder: Path, named: str) -> None:
    with pytest.raises(UntrustedPackage, match=named):
        require_harmless(folder, Trust())
    require_harmless(folder, Trust(everything=True))


@pytest.mark.parametrize(
    ("operator", "facts"),
    [
        ("ReadFile", {"filename": "/etc/hostname"}),
        ("DebugIdentity", {"input": [1.0], "debug_urls": ["file:///tmp/written"]}),
        ("ImmutableConst", {"dtype": "float", "shape": [1], "memory_region_name": "/etc/hostname"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_saved_model_that_reaches_outside_is_refused(operator: str, facts: dict[str, Any], tmp_path: Path) -> None:
    import tensorflow as tf

    facts = facts | ({"dtype": tf.float32} if "dtype" in facts else {})
    refused(saved(tmp_path, lambda x: getattr(tf.raw_ops, operator)(**facts)), operator)


def keeping(path: Path) -> Callable[[Any], Any]:
    """Return what answers, in a function of its own, with 7 out of a file that is written here."""
    import tensorflow as tf

    named = {"prefix": str(path), "tensor_names": ["x"], "shape_and_slices": [""]}
    tf.raw_ops.SaveV2(**named, tensors=[tf.constant([7.0])])

    def kept(x: Any) -> Any:
        (found,) = tf.raw_ops.RestoreV2(**named, dtypes=[tf.float32])
        return x * 0 + found

    return tf.function(kept, autograph=False)  # type: ignore[no-any-return]


def test_a_saved_model_that_calls_a_function_with_files_is_refused(tmp_path: Path) -> None:
    refused(saved(tmp_path / "model", keeping(tmp_path / "written")), "kept")


def call_by_operator(graph: Any) -> None:
    """Have the function with files called by its name as an operator, rather than by an attribute."""
    library = graph.graph_def.library.function
    kept = next(one.signature for one in library if "kept" in one.signature.name)
    for one in library:
        for node in one.node_def:
            if "f" in node.attr and node.attr["f"].func.name == kept.name:
                node.op = kept.name
                node.attr.clear()
                for other in one.node_def:
                    given = [
                        name.replace(f"{node.name}:output:", f"{node.name}:{kept.output_arg[0].name}:")
                        for name in other.input
                    ]
                    other.input[:] = given


def test_a_function_with_files_that_is_called_by_its_name_as_an_operator_is_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    folder = edited(saved(tmp_path / "model", keeping(tmp_path / "written")), call_by_operator)
    refused(folder, "kept")
    answer = tf.saved_model.load(str(folder)).signatures["serving_default"]
    assert answer(x=tf.constant([1.0]))["value"].numpy().tolist() == [7.0]


def test_a_function_with_files_that_bears_an_operators_name_is_refused(tmp_path: Path) -> None:
    def rename(graph: Any) -> None:
        call_by_operator(graph)
        for one in graph.graph_def.library.function:
            one.signature.name = "Abs" if "kept" in one.signature.name else one.signature.name
            for node in one.node_def:
                node.op = "Abs" if "kept" in node.op else node.op

    refused(edited(saved(tmp_path / "model", keeping(tmp_path / "written")), rename), "Abs")


def test_a_saved_model_that_would_run_as_it_is_loaded_is_refused(tmp_path: Path) -> None:
    def older(graph: Any) -> None:
        graph.ClearField("object_graph_def")

    refused(edited(saved(tmp_path, lambda x: x + 1), older), "TensorFlow 1")


LAYERS: dict[str, Callable[[Any], list[Any]]] = {
    "embedding": lambda layers: [layers.Embedding(9, 4)],
    "norms": lambda layers: [layers.BatchNormalization(), layers.LayerNormalization(), layers.Dropout(0.2)],
    "conv1d": lambda layers: [layers.Reshape((4, 1)), layers.Conv1D(2, 2, activation="gelu"), layers.MaxPooling1D(2)],
    "gru": lambda layers: [layers.Reshape((4, 1)), layers.Bidirectional(layers.GRU(2))],
}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_saved_model_of_common_layers_is_taken(kind: str, tmp_path: Path) -> None:
    import tensorflow as tf

    layers = keras().layers
    module = keras().Sequential([keras().Input((4,)), *LAYERS[kind](layers), layers.Flatten(), layers.Dense(1)])
    model = OwnModel(module, 1, ("a", "b", "c", "d"))
    require_harmless(saved(tmp_path, lambda x: model.answers(tf.reshape(x, [-1, 4]))), Trust())


def test_a_saved_model_of_attention_is_taken(tmp_path: Path) -> None:
    import tensorflow as tf

    layers = keras().layers
    X = keras().Input((4,))
    parts = layers.Reshape((4, 1))(X)
    seen = layers.MultiHeadAttention(2, 3)(parts, parts, use_causal_mask=True)
    model = OwnModel(keras().Model(X, layers.Dense(1)(layers.Flatten()(seen))), 1, ("a", "b", "c", "d"))
    require_harmless(saved(tmp_path, lambda x: model.answers(tf.reshape(x, [-1, 4]))), Trust())
