"""SHAP values of the model itself: of its trees, coefficients or layers, by feature, and folded into raw columns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from hookline import Pipeline, Predictor
from hookline.errors import DataError

from .answers import as_they_are, odds, of_classes, softmax, unit_of
from .folding import fold, folding
from .library import shap as library
from .ways import Told, Way, WayName

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

FOLDED = "what encoders made of a column is folded into it"
TREE = f"Tree SHAP, interventional (Lundberg et al. 2020); {FOLDED}"
PATHS = (
    f"Tree SHAP along the trees' paths, against the training rows that went each way (Lundberg et al. 2020); {FOLDED}"
)
LINEAR = f"Linear SHAP: coefficient times distance from the background's mean (Lundberg and Lee 2017); {FOLDED}"
DEEP = f"Deep SHAP (Lundberg and Lee 2017, after DeepLIFT, Shrikumar et al. 2017); {FOLDED}"
LOG_ODDS = "log-odds"
FIRST_LOT, LOT_SECONDS = 20, 3.0
"""Rows of the first lot that trees are asked about, and about how long others take; after ten a bar is drawn on stderr."""


def native_ways(predictor: Predictor, background: pl.DataFrame, asked: WayName | None) -> Iterator[Callable[[], Way]]:
    """Yield the ways that go by what the model is; none where only its answers are at hand, as of an ONNX package."""
    pipeline = pipeline_of(predictor)
    if pipeline is None:
        return
    estimator = getattr(pipeline.model, "estimator", None)
    if asked in (None, "tree") and estimator is not None and not hasattr(estimator, "coef_"):
        yield lambda: _tree(pipeline, estimator, background)
        yield lambda: _tree_paths(pipeline, estimator)
    if asked in (None, "linear") and hasattr(estimator, "coef_"):
        yield lambda: _linear(pipeline, estimator, background)
    if asked in (None, "deep") and hasattr(pipeline.model, "module"):
        yield lambda: _deep(pipeline, background)


def pipeline_of(predictor: Predictor) -> Pipeline[Any] | None:
    """Return the fitted pipeline that answers, also from inside a package that was loaded; None where there is none."""
    inner = getattr(predictor, "predictor", predictor)
    return inner if isinstance(inner, Pipeline) else None


def _tree(pipeline: Pipeline[Any], estimator: Any, background: pl.DataFrame) -> Way:
    """Explain trees in probabilities where the library can, else in log-odds; raises what it raises of other models."""
    shap = library()

    usual, log_odds = _matrix(pipeline, background), False
    given: Any = {"feature_perturbation": "interventional"}
    try:
        output = "probability" if pipeline.target.classes else "raw"
        explainer = shap.TreeExplainer(estimator, usual, model_output=output, **given)
    except NotImplementedError:
        explainer, log_odds = shap.TreeExplainer(estimator, usual, **given), True
    return _way(pipeline, "tree", TREE, _told_by(explainer, pipeline, log_odds=log_odds), log_odds=log_odds)


def _tree_paths(pipeline: Pipeline[Any], estimator: Any) -> Way:
    """Explain trees by how many training rows went each way: of boosted ones in log-odds, raises as above.

    Of some forests the library misses the answers against a background (shap 0.51), not so here.
    """
    shap = library()

    explainer = shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
    log_odds = bool(pipeline.target.classes) and not hasattr(estimator, "estimators_")
    return _way(pipeline, "tree_paths", PATHS, _told_by(explainer, pipeline, log_odds=log_odds), log_odds=log_odds)


def _linear(pipeline: Pipeline[Any], estimator: Any, background: pl.DataFrame) -> Way:
    """Explain coefficients, of a classifier in log-odds."""
    shap = library()
    from shap.maskers import Independent

    masker = Independent(_matrix(pipeline, background).astype(float), background.height)
    explainer = shap.LinearExplainer(estimator, masker)
    log_odds = bool(pipeline.target.classes)
    return _way(pipeline, "linear", LINEAR, _told_by(explainer, pipeline, log_odds=log_odds), log_odds=log_odds)


def _deep(pipeline: Pipeline[Any], background: pl.DataFrame) -> Way:
    """Explain a torch module from features to one output a class, or to a number that `scale` and `center` make the answer."""
    import torch

    shap = library()

    model, classes = pipeline.model, len(pipeline.target.classes)
    scale, center = float(getattr(model, "scale", 1.0)), float(getattr(model, "center", 0.0))
    module = torch.nn.Sequential(model.module, torch.nn.Softmax(dim=1)) if classes else model.module
    explainer = shap.DeepExplainer(module, torch.from_numpy(_matrix(pipeline, background)))

    def told(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = explainer.shap_values(torch.from_numpy(X), check_additivity=False)
        spread, base = of_classes(values, explainer.expected_value, classes, None, 1.0)
        return (spread, base) if classes else (spread * scale, base * scale + center)

    return _way(pipeline, "deep", DEEP, told)


def _told_by(
    explainer: Any, pipeline: Pipeline[Any], *, log_odds: bool
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return what an explainer of shap says of a matrix, without its own check of the sums, which ours stands above."""
    checked = {} if type(explainer).__name__ == "LinearExplainer" else {"check_additivity": False}
    classes, whole = len(pipeline.target.classes), 0.0 if log_odds else 1.0
    known: np.ndarray | None = getattr(pipeline.model.estimator, "classes_", None)
    ask = partial(explainer.shap_values, **checked)
    return lambda X: of_classes(_in_lots(ask, X), explainer.expected_value, classes, known, whole)


def _in_lots(ask: Callable[[np.ndarray], Any], X: np.ndarray) -> np.ndarray:
    """Return what is said of rows, (n_rows, ...), asked in lots of a few seconds: the library draws a bar of longer ones."""
    import numpy as np

    said, start, size = [], 0, FIRST_LOT
    while start < len(X):
        began = time.monotonic()
        said.append(np.asarray(ask(X[start : start + size])))
        start += size
        size = max(1, min(10 * size, int(LOT_SECONDS * size / max(time.monotonic() - began, 1e-6))))
    return np.concatenate(said)


def _way(
    pipeline: Pipeline[Any],
    name: WayName,
    method: str,
    told: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    *,
    log_odds: bool = False,
) -> Way:
    shares = folding(pipeline.made, pipeline.schema.names)

    def outputs(rows: pl.DataFrame) -> Told:
        values, base = told(_matrix(pipeline, rows))
        return Told(fold(values, shares), base)

    if not log_odds:
        return Way(name, method, unit_of(pipeline.target), outputs, as_they_are)
    return Way(name, method, LOG_ODDS, outputs, odds if len(pipeline.target.classes) == 2 else softmax)


def _matrix(pipeline: Pipeline[Any], rows: pl.DataFrame) -> np.ndarray:
    """Return the design matrix of raw rows, float32 (n_rows, n_features)."""
    import numpy as np

    features = pipeline.features(rows.lazy())
    X = np.ascontiguousarray(features.dense(), dtype=np.float32)
    if X.shape[1] != len(pipeline.made):
        raise DataError(f"the design matrix has {X.shape[1]} columns, and {len(pipeline.made)} features are told")
    return X
