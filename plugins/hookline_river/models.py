"""Models of river behind hookline's matrix: each answers one row at a time, and learns one row at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import Features, PickledModel, Prediction

if TYPE_CHECKING:
    import numpy as np

ROWS = 1_024
"""Rows of a matrix that are turned into river's dictionaries at a time."""
STEEPEST = 30.0
"""Distance from the border at which a share is 1 but for what float32 does not hold."""


@dataclass(frozen=True)
class RiverModel(PickledModel):
    """One of river's trees or forests, or linear models, which stay ordinary objects.

    learners: one, or of a linear model of more than two classes one a class against the rest
    classes: how many class codes there are; 0 where numbers are predicted
    center, scale: a number is predicted as what the learner says * scale + center
    """

    learners: tuple[Any, ...]
    feature_names: tuple[str, ...]
    classes: int = 0
    center: float = 0.0
    scale: float = 1.0

    def predict(self, features: Features) -> Prediction:
        """Return the classes of the largest share, or numbers."""
        import numpy as np

        told = [self.answer(x) for x in dictionaries(features.X, self.feature_names)]
        return self._prediction(np.array(told, dtype=np.float64).reshape(features.shape[0], max(1, self.classes)))

    def answer(self, x: Mapping[str, float]) -> list[float]:
        """Return the share of each class for one row, or its number, alone and in the learner's own unit."""
        (learner,) = self.learners
        if not self.classes:
            return [float(learner.predict_one(x) or 0.0)]
        told = learner.predict_proba_one(x)
        shares = _shares([float(told.get(code, 0.0)) for code in range(self.classes)])
        return shares if hasattr(learner, "lambda_value") else _humble(shares, _rows_behind(learner, x))

    def learn(self, x: Mapping[str, float], y: float, weight: float) -> None:
        """Let the learner take in one row: y is a class code, or a number in the learner's own unit."""
        (learner,) = self.learners
        if hasattr(learner, "lambda_value"):
            _learn_in_bags(learner, x, y, weight)
        else:
            learner.learn_one(x, y, w=weight)

    def keep_small(self) -> None:
        """Let trees that are over their size stop growing in the leaves that promise least."""
        for learner in self.learners:
            for tree in _trees(learner):
                # river looks where the sum of weights is a multiple of its period, which weights and bags jump over.
                tree._estimate_model_size()  # noqa: SLF001  there is no public way to ask for it

    def _prediction(self, told: np.ndarray) -> Prediction:
        if not self.classes:
            return Prediction(told[:, 0] * self.scale + self.center)
        return Prediction(told.argmax(axis=1), told, tuple(range(self.classes)))


@dataclass(frozen=True)
class RiverLinearModel(RiverModel):
    """A logistic or linear regression of river's, or several against the rest: the whole matrix at once, and in ONNX."""

    def predict(self, features: Features) -> Prediction:
        """Return the classes of the largest share, or numbers."""
        import numpy as np

        weights, intercepts = self.coefficients()
        X: Any = features.X
        raw = np.asarray(X @ weights.T + intercepts, dtype=np.float64)
        if not self.classes:
            return self._prediction(raw)
        shares = 1 / (1 + np.exp(-raw.clip(-STEEPEST, STEEPEST)))
        if self.classes == 2:
            return self._prediction(np.hstack([1 - shares, shares]))
        return self._prediction(shares / shares.sum(axis=1, keepdims=True))

    def answer(self, x: Mapping[str, float]) -> list[float]:
        """Return the share of each class for one row, or its number in the learner's own unit."""
        if not self.classes:
            return [float(self.learners[0].predict_one(x))]
        found = [float(learner.predict_proba_one(x)[True]) for learner in self.learners]
        return [1 - found[0], found[0]] if self.classes == 2 else _shares(found)

    def learn(self, x: Mapping[str, float], y: float, weight: float) -> None:
        """Take one step of each learner."""
        for code, learner in enumerate(self.learners, start=1 if self.classes == 2 else 0):
            learner.learn_one(x, y == code if self.classes else y, w=weight)

    def keep_small(self) -> None:
        """Do nothing: a linear model is as large as there are features."""

    def coefficients(self) -> tuple[np.ndarray, np.ndarray]:
        """Return weights, float64 (n_learners, n_features), and intercepts, float64 (n_learners,)."""
        import numpy as np

        found = [learner.weights for learner in self.learners]
        weights = np.array([[told.get(name, 0.0) for name in self.feature_names] for told in found], dtype=np.float64)
        return weights, np.array([learner.intercept for learner in self.learners], dtype=np.float64)

    def importances(self) -> Mapping[str, float]:
        """Return the mean absolute weight of each feature; features should be on one scale."""
        import numpy as np

        means = np.abs(self.coefficients()[0]).mean(axis=0).tolist()
        return dict(zip(self.feature_names, means, strict=True))

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return label and probabilities, or value, of the design matrix `inputs["X"]`."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        def constant(values: Any) -> Any:
            return op.const(np.asarray(values, dtype=np.float32))

        weights, intercepts = self.coefficients()
        raw = op.gemm(inputs["X"], constant(weights), constant(intercepts), transB=1)
        if not self.classes:
            return {"value": op.add(op.mul(raw, constant(self.scale)), constant(self.center))}
        shares = op.sigmoid(op.clip(raw, constant(-STEEPEST), constant(STEEPEST)))
        if self.classes == 2:
            probabilities = op.concat([op.sub(constant(1), shares), shares], axis=1)
        else:
            probabilities = op.div(shares, op.reduce_sum(shares, op.const(np.array([1])), keepdims=1))
        return {"label": op.arg_max(probabilities, axis=1, keepdims=0), "probabilities": probabilities}


def dictionaries(X: Any, names: tuple[str, ...], order: np.ndarray | None = None) -> Iterator[dict[str, float]]:
    """Yield rows as river takes them, some read at a time, so that a memory-mapped or sparse matrix stays as it is.

    X: float32 (n_rows, n_features), dense or CSR; order: int64 (n,), the rows that are meant; None: all
    """
    for start in range(0, X.shape[0] if order is None else len(order), ROWS):
        part = X[start : start + ROWS] if order is None else X[order[start : start + ROWS]]
        dense = part.toarray() if hasattr(part, "toarray") else part
        yield from (dict(zip(names, row, strict=True)) for row in dense.tolist())


def _shares(told: list[float]) -> list[float]:
    """Return numbers as parts of 1; equal ones where there is nothing to go by yet."""
    total = sum(told)
    return [value / total for value in told] if total > 0 else [1 / len(told)] * len(told)


def _humble(shares: list[float], rows: float) -> list[float]:
    """Return shares as sure as so many rows allow: naive Bayes in a leaf is surer than what it has seen.

    Laplace's correction, as Provost and Domingos, 2003, "Tree induction for probability-based ranking".
    """
    return [(share * rows + 1) / (rows + len(shares)) for share in shares]


def _rows_behind(tree: Any, x: Mapping[str, float]) -> float:
    """Return the weight of the rows that the leaf of a row has seen."""
    place = tree._root  # noqa: SLF001  river tells which leaf a row falls into in no other way
    if place is not None and hasattr(place, "traverse"):
        place = place.traverse(x, until_leaf=True)
    return 0.0 if place is None else float(place.total_weight)


def _learn_in_bags(forest: Any, x: Mapping[str, float], y: float, weight: float) -> None:
    """Let each tree take a row in as often as a Poisson number says, the mean of which grows with the row's weight.

    river's forest takes no weights: Wang and Pineau, 2016, "Online bagging and boosting for imbalanced data streams".
    """
    usual = forest.lambda_value
    forest.lambda_value = usual * weight
    try:
        forest.learn_one(x, y)
    finally:
        forest.lambda_value = usual


def _trees(learner: Any) -> Iterable[Any]:
    """Return a tree, or those of a forest, with those that grow behind them."""
    if not hasattr(learner, "lambda_value"):
        return (learner,)
    behind = getattr(learner, "_background", None) or ()
    return [tree for tree in (*learner, *behind) if tree is not None]
