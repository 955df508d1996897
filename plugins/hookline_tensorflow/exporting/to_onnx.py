"""Says what a Keras model answers in ONNX, by tf2onnx."""

from __future__ import annotations

import logging
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hookline.errors import ExportError

from ..runtime import tensorflow

if TYPE_CHECKING:
    from ..model import KerasModel

OPSET = 18
"""ai.onnx operator set that tf2onnx writes; spox brings it to that of the graph around it."""
LOGGERS = ("tf2onnx", "tensorflow", "absl")


def inlined(model: KerasModel, X: Any) -> Any:
    """Return the model's answers for X (spox.Var, float32 (N, n_features)): (N, n_classes or 1).

    Raises ExportError with what tf2onnx has no words for.
    """
    import spox

    tf = tensorflow()
    columns = tf.TensorSpec([None, len(model.feature_names)], tf.float32, name="X")
    module = type(model.module).__name__
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converter: Any = import_module("tf2onnx.convert")
            function = tf.function(model.answers, input_signature=[columns], autograph=False)
            made, _ = converter.from_function(function, [columns], opset=OPSET)
            (output,) = spox.inline(made)(X).values()
    except Exception as error:  # tf2onnx raises whatever a layer's operators do while it looks through them
        told = " ".join(f"{error}".split())[:300]
        raise ExportError(
            f"{module} cannot be said in ONNX: {told}", hint="choose packager=[saved_model] or packager=[pickle]"
        ) from error
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    return output
