"""Fitted Keras models as models of hookline: the ready network, and those of a project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hookline import Features, Model, Prediction
from hookline.errors import DataError
from hookline.kinds.fitted import PickledModel

from .network import Network
from .runtime import keras, tensorflow

if TYPE_CHECKING:
    import numpy as np

BATCH = 65_536
"""Rows given to a module at a time, so that memory stays flat."""


@dataclass(frozen=True)
class KerasModel(Model):
    """A network with what surrounds it; `module` stays an ordinary keras.Model.

    outputs: classes, or 1 for a number, which is predicted as output * scale + center
    logits: whether outputs are log-odds rather than probabilities
    """

    module: Any
    outputs: int
    feature_names: tuple[str, ...]
    center: float = 0.0
    scale: float = 1.0
    logits: bool = True

    def predict(self, features: Features) -> Prediction:
        """Return the classes of the largest probability, or numbers."""
        import numpy as np

        found = self.said(features.X)
        if self.outputs == 1:
            return Prediction(found[:, 0].astype(np.float64))
        chances = found.astype(np.float64)
        chances /= chances.sum(axis=1, keepdims=True)
        return Prediction(chances.argmax(axis=1), chances, tuple(range(self.outputs)))

    def said(self, X: Any) -> np.ndarray:
        """Return what `answers` says of rows, float32 (n_rows, n_classes or 1). X: float32, dense or CSR."""
        import numpy as np

        parts = []
        for start in range(0, X.shape[0], BATCH):
            some = X[start : start + BATCH]
            dense = some if isinstance(some, np.ndarray) else some.toarray()
            parts.append(self._function(np.ascontiguousarray(dense, dtype=np.float32)).numpy())
        return np.concatenate(parts) if parts else np.empty((0, self.outputs), dtype=np.float32)

    def answers(self, X: Any) -> Any:
        """Return probabilities, or numbers, of a float32 tensor (n, n_features) in TensorFlow: float32 (n, n_classes or 1).

        Weights are constants, so that a graph of it needs no variables.
        """
        tf = tensorflow()
        trained, other = ([tf.constant(value) for value in values] for values in self._weights)
        found, _ = self.module.stateless_call(trained, other, X, training=False)
        found = tf.cast(found, tf.float32)
        found = tf.reshape(found, [tf.shape(X)[0], found.shape[1] if len(found.shape) > 1 else 1])
        if self.outputs == 1:
            return found * tf.constant(self.scale, tf.float32) + tf.constant(self.center, tf.float32)
        if found.shape[1] == 1:
            high = tf.sigmoid(found) if self.logits else found
            return tf.concat([1 - high, high], axis=1)
        return tf.nn.softmax(found) if self.logits else found

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return label and probabilities, or value, of the design matrix `inputs["X"]`.

        Raises ExportError where tf2onnx has no words for a layer.
        """
        import spox.opset.ai.onnx.v21 as op

        from .exporting.to_onnx import inlined

        found = inlined(self, inputs["X"])
        if self.outputs == 1:
            return {"value": found}
        return {"label": op.arg_max(found, axis=1, keepdims=0), "probabilities": found}

    @cached_property
    def _function(self) -> Any:
        tf = tensorflow()
        columns = tf.TensorSpec([None, len(self.feature_names)], tf.float32)
        return tf.function(self.answers, input_signature=[columns], autograph=False)

    @cached_property
    def _weights(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the values of trained variables, and of all others; also while a graph is written."""
        with tensorflow().init_scope():
            trained = [value.numpy() for value in self.module.trainable_variables]
            return trained, [value.numpy() for value in self.module.non_trainable_variables]

    def require_outputs(self) -> None:
        """Raise DataError where the module makes other outputs than the target has classes."""
        made = tuple(self.module.compute_output_shape((1, len(self.feature_names))))
        width = 1 if len(made) == 1 else made[-1]
        if len(made) > 2 or width not in ({1, 2} if self.outputs == 2 else {self.outputs}):
            wanted = "1, a number" if self.outputs == 1 else f"{self.outputs}, one a class"
            raise DataError(
                f"{type(self.module).__name__} makes {width} outputs of a row, and {wanted}, is wanted",
                hint="the last layer gives as many as there are classes",
            )

    def require_probabilities(self, example: np.ndarray) -> None:
        """Raise DataError where the module answers something else than probabilities; example: rows, float32."""
        found = self.said(example)
        if self.outputs > 1 and ((found < 0).any() or (abs(found.sum(axis=1) - 1) > 1e-3).any()):
            raise DataError(
                f"{type(self.module).__name__} answers numbers that are no probabilities",
                hint="end it with softmax or sigmoid, or say logits = True in its trainer",
            )


@dataclass(frozen=True)
class ReadyModel(KerasModel):
    """The ready network, kept as numbers and plain data, so that no code of Keras is read back."""

    network: Network | None = None

    def save(self, folder: Path) -> None:
        """Write weights.npz, in the order of the module's variables, and network.json."""
        import numpy as np

        assert self.network is not None
        np.savez(folder / "weights.npz", *self.module.get_weights())
        facts = {"network": self.network.plain(), "feature_names": self.feature_names}
        (folder / "network.json").write_text(json.dumps(facts | {"center": self.center, "scale": self.scale}), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; numbers only, so no code runs."""
        import numpy as np

        facts = json.loads((folder / "network.json").read_text("utf-8"))
        network = Network.of(facts["network"])
        module = network.build()
        with np.load(folder / "weights.npz", allow_pickle=False) as kept:
            module.set_weights([kept[name] for name in kept.files])
        names = tuple(facts["feature_names"])
        return cls(module, network.outputs, names, facts["center"], facts["scale"], network=network)

    def importances(self) -> Mapping[str, float]:
        """Return what each feature adds to the first layer, on average; features should be on one scale."""
        assert self.network is not None
        return dict(zip(self.feature_names, self.network.importances(self.module), strict=True))

    def __reduce__(self) -> Any:
        fields = (self.module.get_weights(), self.network, self.feature_names, self.center, self.scale)
        return _rebuilt, (type(self), *fields)


def _rebuilt(cls: Any, weights: list[Any], network: Network, names: tuple[str, ...], *scale: float) -> Any:
    module = network.build()
    module.set_weights(weights)
    return cls(module, network.outputs, names, *scale, network=network)


@dataclass(frozen=True)
class OwnModel(KerasModel, PickledModel):
    """A model whose layers a project chose or wrote, kept by its pickle; `module` stays as it was trained."""

    def __getstate__(self) -> dict[str, Any]:
        # What is made for answering is made again, and how it was trained no longer counts.
        held = {name: value for name, value in vars(self).items() if name not in ("_function", "_weights")}
        return held | {"module": _sent(self.module)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state | {"module": _received(*state["module"])})


def _sent(module: Any) -> tuple[Any, list[Any]]:
    """Return a module's config, with classes by their names, and its weights."""
    config = keras().saving.serialize_keras_object(module)
    config.pop("compile_config", None)
    return config, module.get_weights()


def _received(config: Any, weights: list[Any]) -> Any:
    module = keras().saving.deserialize_keras_object(config, safe_mode=False)
    module.set_weights(weights)
    return module
