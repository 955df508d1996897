"""Metrics, tables and charts of predicted labels and probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline import Chart, Finding, Metric, Prediction, Report, Table, Target
from hookline.data.target import encode
from hookline.errors import DataError
from hookline.quality.intervals import Units

from . import constant
from .bootstrap import MeanOf, RatioOf, Resampling, with_intervals
from .charts import curves, heatmap
from .ranking import Ranking, areas, calibration, precision

if TYPE_CHECKING:
    import numpy as np

MAX_CLASSES = 30
"""Classes above which a confusion matrix is told by its largest cells instead of drawn."""
MAX_CURVES = 10
"""Most classes with a curve of their own, the most frequent ones."""


@dataclass(frozen=True)
class Judged:
    """Rows with their truth and what was predicted, as class codes.

    y, guess: int64, (n_rows,); probabilities: float64, (n_rows, n_classes), or None
    """

    y: np.ndarray
    guess: np.ndarray
    probabilities: np.ndarray | None
    n_classes: int
    positive: int | None
    """Code of the positive class of a binary target."""

    def taken(self, rows: np.ndarray) -> Judged:
        """Return the rows at some positions."""
        scores = None if self.probabilities is None else self.probabilities[rows]
        return Judged(self.y[rows], self.guess[rows], scores, self.n_classes, self.positive)

    def ranked(self) -> list[int]:
        """Return the codes whose curves are defined: the positive class, or each class that some rows are of, and some not."""
        import numpy as np

        sizes = np.bincount(self.y, minlength=self.n_classes)
        codes = range(self.n_classes) if self.positive is None else [self.positive]
        return [code for code in codes if 0 < sizes[code] < len(self.y)]


class ClassificationMeasure:
    """Measures the same rows under any row weights; what can be sorted or looked up once is."""

    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        self.cells = judged.y * judged.n_classes + judged.guess
        scores = judged.probabilities
        self.rankings = [] if scores is None else [Ranking.of(judged.y == c, scores[:, c]) for c in judged.ranked()]
        self.losses: Mapping[str, np.ndarray] = {} if scores is None else losses(judged, scores)

    def __call__(self, weight: np.ndarray) -> dict[str, float]:
        """Return metric name -> value, NaN where undefined. weight: float64, (n_rows,)."""
        import numpy as np

        total = weight.sum()
        if not total > 0:
            return {}
        n, positive = self.judged.n_classes, self.judged.positive
        found = label_metrics(np.bincount(self.cells, weight, n * n).reshape(n, n), positive)
        # Not `@`: on a busy machine BLAS waits longer for its threads than so small a sum takes.
        found |= {name: float((loss * weight).sum() / total) for name, loss in self.losses.items()}
        if self.judged.probabilities is not None:
            both = [areas(*ranking.cumulative(weight)) for ranking in self.rankings]
            found["roc_auc"] = _mean([roc for roc, _ in both])
            found["pr_auc"] = _mean([pr for _, pr in both])
        return found

    def means(self, weight: np.ndarray) -> dict[str, MeanOf | RatioOf]:
        """Return the losses."""
        return {name: MeanOf.of(loss, weight, _at_least_0) for name, loss in self.losses.items()}

    def scarcest(self, units: Units) -> dict[str, float]:
        """Return how many units each share or area is taken from, where one sort of rows is scarce."""
        import numpy as np

        y, guess, n = self.judged.y, self.judged.guess, self.judged.n_classes
        every = units.effective()
        found = dict.fromkeys(("accuracy", *(f"{name}_weighted" for name in RATES)), every)
        sizes = np.array([units.effective(y == code) for code in range(n)])
        guessed = np.array([units.effective(guess == code) for code in range(n)])
        held, said = sizes[sizes > 0], guessed[guessed > 0]
        # The mean of k shares varies as one share of so many rows does.
        each = len(held) ** 2 / (1 / held).sum()
        found |= dict.fromkeys(("balanced_accuracy", "recall_macro", "f1_macro"), each)
        found["precision_macro"] = min(each, len(said) ** 2 / (1 / said).sum())
        if self.judged.positive is not None:
            own, other = sizes[self.judged.positive], guessed[self.judged.positive]
            found |= {"recall": own, "precision": other, "f1": min(own, max(other, 1.0))}
        scarce = [min(sizes[code], units.effective(y != code)) for code in self.judged.ranked()]
        if scarce:
            # Twice what the variance of Hanley and McNeil (1982) comes to near 1.
            found |= {"roc_auc": 4 * min(scarce), "pr_auc": min(sizes[code] for code in self.judged.ranked())}
        return found


def _at_least_0(loss: float) -> float:
    return max(0.0, loss)


RATES = ("precision", "recall", "f1")


def classification_report(
    truth: np.ndarray,
    prediction: Prediction,
    target: Target,
    weight: np.ndarray,
    positive: int | None,
    resampling: Resampling,
) -> Report:
    """Judge predicted labels, (n_rows,), and probabilities, (n_rows, n_classes), where there are any."""
    import numpy as np

    scores = prediction.probabilities
    if scores is not None and not np.isfinite(scores).all():
        raise DataError(f"the model gives no probability for {(~np.isfinite(scores)).any(axis=1).sum()} of the rows")
    judged = Judged(encode(truth, target), encode(prediction.values, target), scores, len(target.classes), positive)
    metrics = with_intervals(lambda rows: ClassificationMeasure(judged.taken(rows)), weight, resampling)
    matrix = np.bincount(judged.y * judged.n_classes + judged.guess, weight, judged.n_classes**2)
    matrix = matrix.reshape(judged.n_classes, judged.n_classes)
    labels = [str(label) for label in target.classes]
    charts = [heatmap(matrix, labels)] if len(labels) <= MAX_CLASSES else []
    tables = (_per_class(matrix, np.bincount(judged.y, minlength=len(labels)), labels), _confusion(matrix, labels))
    title = f"Classification of '{target.name}' on {len(truth):,} rows"
    findings = (*_findings(judged, labels), *_against_guess(judged, metrics, weight, resampling))
    return Report(title, metrics, tables, (*charts, *_score_charts(judged, weight, labels)), findings)


def label_metrics(matrix: np.ndarray, positive: int | None) -> dict[str, float]:
    """Return accuracy, and precision, recall and F1 of the positive class and averaged over the classes that occur.

    matrix: float64, (n_classes, n_classes), weight of rows by actual class (down) and predicted class (across)
    """
    import numpy as np

    support = matrix.sum(axis=1)
    occurs = (support + matrix.sum(axis=0)) > 0
    values = dict(zip(RATES, _rates(matrix), strict=True))
    found = {
        "accuracy": float(np.trace(matrix) / matrix.sum()),
        "balanced_accuracy": float(values["recall"][support > 0].mean()),
    }
    if positive is not None:
        found |= {name: float(value[positive]) for name, value in values.items()}
    found |= {f"{name}_macro": float(value[occurs].mean()) for name, value in values.items()}
    return found | {f"{name}_weighted": float(value @ support / support.sum()) for name, value in values.items()}


def _rates(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return precision, recall and F1 of each class; 0 where nothing was predicted, or nothing is there."""
    import numpy as np

    hit, predicted, support = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)

    def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        shares: np.ndarray = np.divide(part, whole, out=np.zeros_like(hit), where=whole > 0)
        return shares

    return share(hit, predicted), share(hit, support), share(2 * hit, predicted + support)


def losses(judged: Judged, scores: np.ndarray) -> dict[str, np.ndarray]:
    """Return each row's log loss, in nats, and Brier score: of the positive class, or summed over the classes (Brier, 1950)."""
    import numpy as np

    rows = np.arange(len(judged.y))
    tiny = np.finfo(np.float64).eps
    log_loss = -np.log(np.clip(scores[rows, judged.y], tiny, 1 - tiny))
    if judged.positive is not None:
        return {"log_loss": log_loss, "brier": (scores[:, judged.positive] - (judged.y == judged.positive)) ** 2}
    brier = (scores**2).sum(axis=1) - 2 * scores[rows, judged.y] + 1
    return {"log_loss": log_loss, "brier": brier}


def _mean(values: list[float]) -> float:
    defined = [value for value in values if math.isfinite(value)]
    return sum(defined) / len(defined) if defined else math.nan


def _per_class(matrix: np.ndarray, rows: np.ndarray, labels: list[str]) -> Table:
    columns = [values.tolist() for values in (*_rates(matrix), rows)]
    return Table("per_class", ("class", "precision", "recall", "f1", "rows"), tuple(zip(labels, *columns, strict=True)))


def _confusion(matrix: np.ndarray, labels: list[str]) -> Table:
    import numpy as np

    if len(labels) <= MAX_CLASSES:
        body = tuple((label, *row) for label, row in zip(labels, matrix.tolist(), strict=True))
        return Table("confusion_matrix", ("actual \\ predicted", *labels), body)
    wrong = matrix * (1 - np.eye(len(labels)))
    worst = np.argsort(-wrong, axis=None, kind="stable")[:MAX_CLASSES]
    cells = [divmod(int(cell), len(labels)) for cell in worst]
    body = tuple((labels[i], labels[j], float(wrong[i, j])) for i, j in cells if wrong[i, j] > 0)
    return Table("most_confused", ("actual", "predicted", "rows"), body)


def _score_charts(judged: Judged, weight: np.ndarray, labels: list[str]) -> list[Chart]:
    import numpy as np

    scores, codes = judged.probabilities, judged.ranked()
    if scores is None or not codes:
        return []
    sizes = np.bincount(judged.y, minlength=judged.n_classes)
    shown = sorted(sorted(codes, key=lambda code: -sizes[code])[:MAX_CURVES])
    steps = {c: Ranking.of(judged.y == c, scores[:, c]).cumulative(weight) for c in shown}
    steps = {code: (false, true) for code, (false, true) in steps.items() if false[-1] > 0 and true[-1] > 0}
    if not steps:
        return []
    roc = {labels[c]: (false / false[-1], true / true[-1]) for c, (false, true) in steps.items()}
    pr = {labels[c]: (true[1:] / true[-1], precision(false, true)[1:]) for c, (false, true) in steps.items()}
    against = "" if judged.positive is not None else ", each class against the rest"
    return [
        curves("roc", f"ROC curve{against}", ("false positive rate", "true positive rate"), roc, diagonal=True),
        curves("precision_recall", f"Precision and recall{against}", ("recall", "precision"), pr),
        _calibration_chart(judged, scores, weight, labels),
    ]


def _calibration_chart(judged: Judged, scores: np.ndarray, weight: np.ndarray, labels: list[str]) -> Chart:
    """Draw the reliability of the positive class' probability, or of the likeliest class' (Guo et al., 2017, section 2)."""
    if judged.positive is not None:
        line = calibration(judged.y == judged.positive, scores[:, judged.positive], weight)
        what = f"probability of {labels[judged.positive]}"
    else:
        line = calibration(judged.y == scores.argmax(axis=1), scores.max(axis=1), weight)
        what = "probability of the likeliest class"
    axes = ("predicted probability", "observed share")
    return curves("calibration", f"Calibration: {what}", axes, {what: line}, diagonal=True, points=True)


def _findings(judged: Judged, labels: list[str]) -> tuple[Finding, ...]:
    import numpy as np

    sizes = np.bincount(judged.y, minlength=judged.n_classes)
    absent = [label for label, size in zip(labels, sizes, strict=True) if not size]
    if not absent:
        return ()
    names = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
    effect = "average the other classes" if judged.ranked() else "are undefined and left out"
    text = f"The test rows hold no {names}, so ROC AUC and PR AUC {effect}."
    return (Finding("test rows", "absent_classes", float(len(absent)), 0.0, "warning", text),)


def _against_guess(
    judged: Judged, metrics: Sequence[Metric], weight: np.ndarray, resampling: Resampling
) -> Iterator[Finding]:
    import numpy as np

    if not resampling.n_bootstrap:
        return
    yield from constant.of_labels({metric.name: metric for metric in metrics}, len(np.unique(judged.y)))
    if judged.probabilities is not None:
        loss, units = losses(judged, judged.probabilities)["log_loss"], Units.among(weight, resampling.groups)
        yield from constant.of_probabilities(loss, judged.y, weight, units)
