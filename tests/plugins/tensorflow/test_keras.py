"""Keras models by hookline: seeded, resumed bit for bit, and packaged so that TensorFlow alone answers alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Feature, Features, Target
from hookline.errors import UntrustedPackage
from hookline.kinds.fitting import checkpoints_in
from hookline_tensorflow import KerasMlpTrainer
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
    asked = pl.DataFrame({"age": [20.0, None], "job title": ["a", None]})
    folder = run.package("saved_model") / "saved_model"
    told = json.loads(run_python(ALONE, str(folder), timeout=120).stdout.splitlines()[-1])
    np.testing.assert_allclose(told, run.predict(asked).probabilities, atol=1e-6)


def test_a_saved_model_that_reads_files_is_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    from hookline import Trust
    from hookline_tensorflow.checked import require_harmless

    module = tf.Module()
    function = tf.function(lambda name: {"value": tf.io.read_file(name)}, autograph=False)
    spec = tf.TensorSpec([], tf.string, name="name")
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": function.get_concrete_function(spec)})
    with pytest.raises(UntrustedPackage, match="ReadFile"):
        require_harmless(tmp_path, Trust())
