"""Writes a whole pipeline as a TensorFlow SavedModel: raw columns in, the decision out."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline import DecisionRule, Pipeline, PredictionSets
from hookline.kinds.artifacts import Column

from ..runtime import tensorflow
from .stages import Stages, input_dtype

if TYPE_CHECKING:
    from ..model import KerasModel

FOLDER = "saved_model"
FACTS = "inputs.json"
SIGNATURE = "serving_default"


def write(pipeline: Pipeline[KerasModel], path: Path) -> None:
    """Write the SavedModel, and which of its inputs is which column; raises ExportError naming what cannot be said."""
    tf = tensorflow()
    stages, inputs = Stages.of(pipeline), input_names(pipeline.schema.names)
    module = tf.Module()
    module.tables = list(stages.tables.values())
    labels = None if pipeline.target.task == "regression" else _labels(pipeline.target.classes)
    specs = {inputs[column.name]: _spec(column, inputs[column.name]) for column in pipeline.schema.columns}

    def answer(**given: Any) -> dict[str, Any]:
        columns = {name: tf.expand_dims(given[called], 1) for name, called in inputs.items()}
        X = stages.matrix(columns)
        # Columns that no feature is made of say how many rows there are too.
        X = tf.ensure_shape(X, [None, len(pipeline.feature_names)])
        return _decided(tf, pipeline, pipeline.model.answers(X), labels)

    quiet = [logging.getLogger(name) for name in ("tensorflow", "absl")]
    levels = [logger.level for logger in quiet]
    for logger in quiet:
        logger.setLevel(logging.ERROR)
    try:
        function = tf.function(answer, autograph=False).get_concrete_function(**specs)
        tf.saved_model.save(module, str(path / FOLDER), signatures={SIGNATURE: function})
    finally:
        for logger, level in zip(quiet, levels, strict=True):
            logger.setLevel(level)
    facts = {"inputs": inputs, "classes": list(pipeline.target.classes)}
    (path / FACTS).write_text(json.dumps(facts), "utf-8")


def input_names(columns: Sequence[str]) -> dict[str, str]:
    """Return column -> a name that TensorFlow takes for an input: letters, digits and underscores, each name once."""
    found: dict[str, str] = {}
    for name in columns:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
        plain = plain if re.match("[A-Za-z]", plain) else f"c{plain}"
        while plain.lower() in {other.lower() for other in found.values()}:
            plain += "_"
        found[name] = plain
    return found


def _spec(column: Column, name: str) -> Any:
    import numpy as np

    tf = tensorflow()
    dtype = input_dtype(column)
    return tf.TensorSpec([None], tf.string if dtype is np.str_ else tf.as_dtype(dtype), name=name)


def _labels(classes: Sequence[Any]) -> Any:
    tf = tensorflow()
    if all(isinstance(label, str) for label in classes):
        return tf.constant([str(label) for label in classes], tf.string)
    if all(isinstance(label, bool) for label in classes):
        return tf.constant([bool(label) for label in classes])
    whole = all(isinstance(label, int) for label in classes)
    return tf.constant(list(classes), tf.int64 if whole else tf.float64)


def _decided(tf: Any, pipeline: Pipeline[Any], found: Any, labels: Any) -> dict[str, Any]:
    """Return `label`, `probabilities` and `set`, or `value` with `lower` and `upper`."""
    if labels is None:
        value = tf.cast(found[:, 0], tf.float64)
        half = pipeline.intervals and pipeline.intervals.half_width
        return {"value": value} | ({} if half is None else {"lower": value - half, "upper": value + half})
    chances = tf.cast(found, tf.float64)
    chances /= tf.reduce_sum(chances, axis=1, keepdims=True)
    codes = tf.argmax(chances, axis=1) if pipeline.decision is None else _codes(tf, chances, pipeline.decision)
    told = {} if pipeline.sets is None else {"set": _in_sets(tf, chances, pipeline.sets)}
    return {"label": tf.gather(labels, codes), "probabilities": chances, **told}


def _in_sets(tf: Any, chances: Any, rule: PredictionSets) -> Any:
    """Return which classes are in the set, bool (n, n_classes)."""
    likely = chances >= rule.limit
    if rule.method == "aps":
        others = tf.expand_dims(chances, 1)
        more = tf.where(others > tf.expand_dims(chances, 2), others, tf.zeros_like(others))
        likely = chances + tf.reduce_sum(more, axis=2) <= rule.limit
    return tf.logical_or(likely, tf.equal(chances, tf.reduce_max(chances, axis=1, keepdims=True)))


def _codes(tf: Any, chances: Any, rule: DecisionRule) -> Any:
    """Return class codes, int64 (n,), as the rule says."""
    if rule.threshold is None:
        return tf.argmin(tf.matmul(chances, tf.constant(rule.costs, tf.float64)), axis=1)
    high = chances[:, rule.positive] >= rule.threshold
    return tf.where(high, tf.constant(rule.positive, tf.int64), tf.constant(1 - rule.positive, tf.int64))
