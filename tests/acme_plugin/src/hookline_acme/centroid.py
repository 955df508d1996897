"""The trainer `acme.centroid`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from annotated_types import Interval

from hookline import Features, Model, Prediction, Trainer
from hookline.errors import DataError


@dataclass(frozen=True)
class CentroidModel(Model):
    """The mean of each class; a row belongs to the nearest."""

    centroids: tuple[tuple[float, ...], ...]

    def predict(self, features: Features) -> Prediction:
        """Return the nearest class, with probabilities that fall with the squared distance."""
        import numpy as np

        X = _complete(features)
        distances = ((X[:, None, :] - np.asarray(self.centroids)[None, :, :]) ** 2).sum(axis=2)
        shares = np.exp(distances.min(axis=1, keepdims=True) - distances)
        return Prediction(
            distances.argmin(axis=1), shares / shares.sum(axis=1, keepdims=True), tuple(range(len(self.centroids)))
        )

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX, in float64: softmax does not see the part of the squared distance that all classes share."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        centroids = np.asarray(self.centroids)
        X = op.cast(inputs["X"], to=np.float64)
        nearness = op.sub(op.matmul(X, op.const(2 * centroids.T)), op.const((centroids**2).sum(axis=1)))
        shares = op.cast(op.softmax(nearness, axis=1), to=np.float32)
        return {"label": op.arg_max(nearness, axis=1, keepdims=0), "probabilities": shares}

    def save(self, folder: Path) -> None:
        """Write the centroids as JSON."""
        (folder / "centroids.json").write_text(json.dumps(self.centroids), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls(tuple(map(tuple, json.loads((folder / "centroids.json").read_text("utf-8")))))


class CentroidTrainer(Trainer):
    """Nearest shrunken centroids (Tibshirani et al., 2002), without the scaling."""

    name = "acme.centroid"
    tasks = frozenset({"binary", "multiclass"})
    shrink: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """How far each centroid is moved towards the mean of all rows: 0 not at all."""

    def fit(self, train: Features, valid: Features | None) -> CentroidModel:
        """Average the rows of each class by their weights; raises DataError for missing values."""
        import numpy as np

        assert train.target is not None
        X, y = _complete(train), train.y
        weight = np.ones(len(X)) if train.sample_weight is None else train.sample_weight
        center = np.average(X, axis=0, weights=weight)
        centroids = []
        for code in range(len(train.target.classes)):
            rows = (y == code) & (weight > 0)
            mean = np.average(X[rows], axis=0, weights=weight[rows]) if rows.any() else center
            centroids.append(tuple(float(v) for v in mean + self.shrink * (center - mean)))
        return CentroidModel(tuple(centroids))


def _complete(features: Features) -> Any:
    import numpy as np

    matrix: Any = features.X
    X = np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray(), dtype=np.float64)
    gaps = np.flatnonzero(~np.isfinite(X).all(axis=0))
    if len(gaps):
        named = ", ".join(features.names[i] for i in gaps[:5])
        raise DataError(f"acme.centroid takes no missing values, and {named} have some", hint="add transform=[impute]")
    return X
