"""Metrics, tables and charts of predicted labels and probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline import Chart, Finding, Prediction, Report, Table, Target
from hookline.errors import ConfigError, DataError, Problem
from hookline.pipeline import encode

from .bootstrap import with_intervals

if TYPE_CHECKING:
    import numpy as np

POINTS = 200
"""Most points of a curve, so that a report stays small."""
BINS = 10
"""Bins of the calibration curve."""


def classification_report(
    truth: np.ndarray,
    prediction: Prediction,
    target: Target,
    weight: np.ndarray | None,
    positive: Any,
    n_bootstrap: int,
    confidence: float,
    seed: int,
) -> Report:
    """Judge predicted labels (n_rows,) and, where there are any, probabilities (n_rows, n_classes)."""
    import numpy as np

    if not len(truth):
        raise DataError("there are no rows to evaluate on")
    y, guess = encode(truth, target), encode(prediction.values, target)
    at = _positive(target, positive) if target.task == "binary" else None
    scores = prediction.probabilities
    weights = np.ones(len(y)) if weight is None else weight

    def measure(rows: np.ndarray) -> dict[str, float]:
        picked = None if scores is None else scores[rows]
        return measures(y[rows], guess[rows], picked, weights[rows], len(target.classes), at)

    metrics = with_intervals(measure, len(y), n_bootstrap, confidence, seed)
    matrix = _confusion(y, guess, weights, len(target.classes))
    charts = [_matrix_chart(matrix, target)]
    if scores is not None and at is not None and 0 < (y == at).sum() < len(y):
        charts += _curves(y == at, scores[:, at], weights)
    elif scores is not None and at is None:
        charts += _one_against_rest(y, scores, weights, target)
    tables = (_class_table(matrix, target), _matrix_table(matrix, target))
    return Report("Classification", metrics, tables, tuple(charts), tuple(_findings(y, target)))


def measures(
    y: np.ndarray,
    guess: np.ndarray,
    scores: np.ndarray | None,
    weight: np.ndarray,
    n_classes: int,
    positive: int | None,
) -> dict[str, float]:
    """Return metric name -> value; a metric that these rows leave undefined is absent.

    y, guess: int64 class codes, (n_rows,); scores: (n_rows, n_classes) or None; positive: code of the positive class, if binary
    """
    import numpy as np

    matrix = _confusion(y, guess, weight, n_classes)
    precision, recall, f1 = _rates(matrix)
    support = matrix.sum(axis=1)
    present = support > 0
    found = {
        "accuracy": float(np.trace(matrix) / matrix.sum()),
        "balanced_accuracy": float(recall[present].mean()),
    }
    if positive is not None:
        found |= {"precision": precision[positive], "recall": recall[positive], "f1": f1[positive]}
    shares = support / support.sum()
    for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
        found[f"{name}_macro"] = float(values.mean())
        found[f"{name}_weighted"] = float((values * shares).sum())
    if scores is not None:
        found |= _of_scores(y, scores, weight, n_classes, positive)
    return {name: float(value) for name, value in found.items()}


def _of_scores(
    y: np.ndarray, scores: np.ndarray, weight: np.ndarray, n_classes: int, positive: int | None
) -> dict[str, float]:
    import numpy as np

    rows = np.arange(len(y))
    clipped = np.clip(scores, np.finfo(np.float64).eps, 1)
    clipped = clipped / clipped.sum(axis=1, keepdims=True)
    found = {"log_loss": float(np.average(-np.log(clipped[rows, y]), weights=weight))}
    if positive is not None:
        truth = y == positive
        found["brier"] = float(np.average((scores[:, positive] - truth) ** 2, weights=weight))
        if 0 < truth.sum() < len(truth):
            found["roc_auc"] = roc_auc(truth, scores[:, positive], weight)
            found["pr_auc"] = average_precision(truth, scores[:, positive], weight)
        return found
    hot = np.zeros_like(scores)
    hot[rows, y] = 1
    found["brier"] = float(np.average(((scores - hot) ** 2).sum(axis=1), weights=weight))
    if len(np.unique(y)) == n_classes:
        codes = range(n_classes)
        found["roc_auc"] = float(np.mean([roc_auc(y == code, scores[:, code], weight) for code in codes]))
        found["pr_auc"] = float(np.mean([average_precision(y == code, scores[:, code], weight) for code in codes]))
    return found


def roc_auc(truth: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    """Return the area under the ROC curve, ties counted half; equals sklearn.metrics.roc_auc_score."""
    import numpy as np

    false, true = _cumulative(truth, score, weight)
    return float(np.trapezoid(true, false) / (true[-1] * false[-1]))


def average_precision(truth: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    """Return the area under the precision-recall steps; equals sklearn.metrics.average_precision_score."""
    import numpy as np

    false, true = _cumulative(truth, score, weight)
    precision = true[1:] / (true[1:] + false[1:])
    return float((np.diff(true) * precision).sum() / true[-1])


def _cumulative(truth: np.ndarray, score: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weight of negatives and of positives at or above each distinct score, from the highest down, beginning at 0."""
    import numpy as np

    order = np.argsort(-score, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1]
    true = np.cumsum(weight[order] * truth[order])[ends]
    return np.r_[0, np.cumsum(weight[order])[ends] - true], np.r_[0, true]


def _confusion(y: np.ndarray, guess: np.ndarray, weight: np.ndarray, n_classes: int) -> np.ndarray:
    import numpy as np

    cells = np.bincount(y * n_classes + guess, weights=weight, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)


def _rates(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return precision, recall and F1 a class; 0 where nothing was predicted, or nothing is there."""
    import numpy as np

    hit, predicted, support = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    precision = np.divide(hit, predicted, out=np.zeros_like(hit), where=predicted > 0)
    recall = np.divide(hit, support, out=np.zeros_like(hit), where=support > 0)
    both = precision + recall
    return precision, recall, np.divide(2 * precision * recall, both, out=np.zeros_like(hit), where=both > 0)


def _positive(target: Target, asked: Any) -> int:
    if asked is None:
        return len(target.classes) - 1
    if asked not in target.classes:
        known = ", ".join(map(repr, target.classes))
        raise ConfigError(
            "bad config", [Problem("evaluator.classification.positive", f"{asked!r} is not a class; there is {known}")]
        )
    return target.classes.index(asked)


def _findings(y: np.ndarray, target: Target) -> list[Finding]:
    import numpy as np

    absent = sorted(set(range(len(target.classes))) - set(np.unique(y).tolist()))
    if not absent:
        return []
    names = ", ".join(str(target.classes[code]) for code in absent[:5])
    text = f"The test rows hold no {names}, so ROC and PR AUC are left out."
    return [Finding(target.name, "classes absent from the test rows", float(len(absent)), 0.0, "warning", text)]


def _class_table(matrix: np.ndarray, target: Target) -> Table:
    rates = zip(*_rates(matrix), matrix.sum(axis=1), strict=True)
    rows = tuple((str(label), *map(float, values)) for label, values in zip(target.classes, rates, strict=True))
    return Table("Per class", ("class", "precision", "recall", "f1", "support"), rows)


def _matrix_table(matrix: np.ndarray, target: Target) -> Table:
    labels = tuple(map(str, target.classes))
    rows = tuple((label, *map(float, values)) for label, values in zip(labels, matrix, strict=True))
    return Table("Confusion matrix (rows: true, columns: predicted)", ("true", *labels), rows)


def _matrix_chart(matrix: np.ndarray, target: Target) -> Chart:
    labels = [str(label) for label in target.classes]
    shares = matrix / matrix.sum(axis=1, keepdims=True).clip(min=1)
    values = [
        {"true": labels[i], "predicted": labels[j], "rows": float(matrix[i, j]), "share": float(shares[i, j])}
        for i in range(len(labels))
        for j in range(len(labels))
    ]
    axes = {
        "x": {"field": "predicted", "type": "nominal", "sort": labels, "axis": {"labelAngle": 0}},
        "y": {"field": "true", "type": "nominal", "sort": labels},
    }
    color = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "scheme": "blues"},
        "title": "share of true",
    }
    text = {
        "text": {"field": "rows", "type": "quantitative", "format": ",.4~g"},
        "color": {"condition": {"test": "datum.share > 0.5", "value": "white"}, "value": "black"},
    }
    layers = [{"mark": "rect", "encoding": {"color": color}}, {"mark": {"type": "text"}, "encoding": text}]
    return Chart(
        "confusion_matrix", "Confusion matrix", {"data": {"values": values}, "encoding": axes, "layer": layers}
    )


def _curves(truth: np.ndarray, score: np.ndarray, weight: np.ndarray) -> list[Chart]:
    import numpy as np

    false, true = _cumulative(truth, score, weight)
    roc = {"false positive rate": false / false[-1], "true positive rate": true / true[-1]}
    precision = true[1:] / (true[1:] + false[1:])
    pr = {"recall": true[1:] / true[-1], "precision": precision}
    edges = np.linspace(0, 1, BINS + 1)
    which = np.clip(np.digitize(score, edges[1:-1]), 0, BINS - 1)
    sizes = np.bincount(which, weights=weight, minlength=BINS)
    held = sizes > 0
    calibration = {
        "predicted probability": np.bincount(which, weights=weight * score, minlength=BINS)[held] / sizes[held],
        "observed share": np.bincount(which, weights=weight * truth, minlength=BINS)[held] / sizes[held],
    }
    return [
        _line("roc", "ROC curve", roc, diagonal=True),
        _line("pr", "Precision and recall", pr),
        _line("calibration", "Calibration", calibration, diagonal=True, points=True),
    ]


def _one_against_rest(y: np.ndarray, scores: np.ndarray, weight: np.ndarray, target: Target) -> list[Chart]:
    values = []
    for code, label in enumerate(target.classes[:20]):
        if 0 < (y == code).sum() < len(y):
            false, true = _cumulative(y == code, scores[:, code], weight)
            points = _thin(
                {"false positive rate": false / false[-1], "true positive rate": true / true[-1]}, POINTS // 2
            )
            values += [{**point, "class": str(label)} for point in points]
    spec = {
        "data": {"values": values},
        "mark": {"type": "line", "interpolate": "linear"},
        "encoding": {
            "x": {"field": "false positive rate", "type": "quantitative"},
            "y": {"field": "true positive rate", "type": "quantitative"},
            "order": {"field": "false positive rate", "type": "quantitative"},
            "color": {"field": "class", "type": "nominal"},
        },
    }
    return [Chart("roc", "ROC curves, each class against the rest", spec)]


def _line(
    name: str, title: str, columns: dict[str, np.ndarray], *, diagonal: bool = False, points: bool = False
) -> Chart:
    x, y = columns
    domain = {"domain": [0, 1]}
    line = {
        "data": {"values": _thin(columns, POINTS)},
        "mark": {"type": "line", "point": points},
        "encoding": {
            "x": {"field": x, "type": "quantitative", "scale": domain},
            "y": {"field": y, "type": "quantitative", "scale": domain},
            "order": {"field": x, "type": "quantitative"},
        },
    }
    if not diagonal:
        return Chart(name, title, line)
    ends = {"values": [{x: 0, y: 0}, {x: 1, y: 1}]}
    rule = {"data": ends, "mark": {"type": "line", "strokeDash": [4, 4], "opacity": 0.5}, "encoding": line["encoding"]}
    return Chart(name, title, {"layer": [rule, line]})


def _thin(columns: dict[str, np.ndarray], points: int) -> list[dict[str, float]]:
    import numpy as np

    length = len(next(iter(columns.values())))
    kept = np.unique(np.linspace(0, length - 1, min(points, length)).round().astype(int))
    return [{name: round(float(values[i]), 5) for name, values in columns.items()} for i in kept]
