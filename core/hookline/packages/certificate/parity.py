"""How far a package's answers are from the pipeline's, as figures."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.errors import ExportError
from hookline.kinds.answering.rules import DecisionRule, PredictionSets
from hookline.kinds.artifacts import Target
from hookline.kinds.capabilities import Decides, TellsSets
from hookline.kinds.fitted import Model, Prediction, Predictor
from hookline.kinds.kinds import Packager
from hookline.registry.ports import assignable, ports

from ..pipeline import Pipeline

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

PARITY_ROWS = 10_000


@dataclass(frozen=True)
class Parity:
    """How a package's predictions differ from the native pipeline's, on the same raw rows.

    max_difference: of probabilities absolute, infinite where the label changes though the native probabilities of the two
        labels are further apart, or further from where the rule decides otherwise, than rounding within the tolerance explains,
        or where a class is in the set of one of the two alone and its probability is further from where it would leave that;
        of numbers and their intervals relative to the native one, or to their standard deviation on the held-out rows where that
        is larger: next to 0 every rounding would be a large share; infinite where only one of the two tells intervals
    changed_decisions: rows whose label differs, or whose number differs by more than the tolerance
    """

    rows: int
    max_difference: float
    changed_decisions: int
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether the package predicts the same, within its format's tolerance."""
        return self.max_difference <= self.tolerance


def measure_parity(native: Predictor, packaged: Predictor, frame: pl.DataFrame, tolerance: float) -> Parity:
    """Compare two predictors on the same raw rows."""
    import numpy as np

    expected = native.predict(frame)
    spread = spread_of(native.target, expected)
    actual, rules = packaged.predict(frame), Rules.of(native)
    difference, changed = differences(native.target, expected, actual, tolerance, spread, rules)
    return Parity(frame.height, float(difference.max(initial=0.0)), int(np.sum(changed)), tolerance)


def spread_of(target: Target, prediction: Prediction) -> float:
    """Return the standard deviation of predicted numbers; 1 where there is none, and for labels."""
    import numpy as np

    spread = float(np.std(prediction.values)) if target.task == "regression" and len(prediction.values) else 0.0
    return spread if np.isfinite(spread) and spread > 0 else 1.0


@dataclass(frozen=True)
class Rules:
    """How a predictor makes classes of probabilities: the one that it answers, and those that may be true.

    None where it answers the most probable class, and where it tells no sets.
    """

    decision: DecisionRule | None = None
    sets: PredictionSets | None = None

    @classmethod
    def of(cls, predictor: Predictor) -> Rules:
        """Return those of a predictor."""
        decision = predictor.decision if isinstance(predictor, Decides) else None
        return cls(decision, predictor.sets if isinstance(predictor, TellsSets) else None)


def differences(
    target: Target,
    expected: Prediction,
    actual: Prediction,
    tolerance: float,
    spread: float,
    rules: Rules = Rules(),
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far two predictions of the same rows are apart, as in `Parity`: float64 (n,), and changed: bool (n,)."""
    import numpy as np

    if expected.probabilities is not None and actual.probabilities is not None:
        changed = expected.values != actual.values
        difference = np.abs(expected.probabilities - actual.probabilities).max(axis=1, initial=0.0)
        # Each of the two probabilities may have moved by the tolerance, one up and one down.
        difference[_leads(target, expected, actual, changed, rules.decision) > 2 * tolerance] = np.inf
        difference[_sets_apart(expected, actual, rules.sets, 2 * tolerance)] = np.inf
    elif target.task == "regression":
        scale = np.maximum(spread, np.abs(expected.values))
        difference = np.maximum(np.abs(expected.values - actual.values) / scale, _apart(expected, actual, scale))
        changed = difference > tolerance
    else:
        changed = expected.values != actual.values
        difference = changed.astype(float)
    return np.where(np.isfinite(difference), difference, np.inf), np.asarray(changed, dtype=bool)


def _apart(expected: Prediction, actual: Prediction, scale: np.ndarray) -> np.ndarray:
    """Return how far the intervals of two predictions are apart, float64 (n,); infinite where only one has any."""
    import numpy as np

    if expected.intervals is None or actual.intervals is None:
        return np.full(len(scale), 0.0 if expected.intervals is actual.intervals else np.inf)
    found: np.ndarray = np.abs(expected.intervals - actual.intervals).max(axis=1, initial=0.0) / scale
    return found


def _sets_apart(expected: Prediction, actual: Prediction, rule: PredictionSets | None, room: float) -> np.ndarray:
    """Return the rows of which a class is in one set alone, by more than probabilities that move so far explain: bool (n,)."""
    import numpy as np

    assert expected.probabilities is not None
    if rule is None or expected.sets is None or actual.sets is None:
        return np.full(len(expected.values), expected.sets is not actual.sets)
    found = np.zeros(len(expected.values), dtype=bool)
    differing = np.flatnonzero((expected.sets != actual.sets).any(axis=1))
    far = rule.leads(expected.probabilities[differing]) > room
    found[differing] = (far & (expected.sets != actual.sets)[differing]).any(axis=1)
    return found


def _leads(
    target: Target, expected: Prediction, actual: Prediction, changed: np.ndarray, rule: DecisionRule | None
) -> np.ndarray:
    """Return how far the native probabilities are from where the label before becomes the one after, float64 (n,).

    Without a rule that is how far those of the two labels are apart; 0 where the label is the same.
    """
    import numpy as np

    assert expected.probabilities is not None
    codes = {label: code for code, label in enumerate(target.classes)}
    leads = np.zeros(len(changed))
    for row in np.flatnonzero(changed).tolist():
        places = [codes.get(one.values[row : row + 1].tolist()[0], -1) for one in (expected, actual)]
        chances = expected.probabilities[row]
        lead = np.ptp(chances[places]) if rule is None else rule.lead(chances, *places)
        leads[row] = np.inf if -1 in places else lead
    return leads


def require_parity(packager: Packager, parity: Parity, hint: str | None = None) -> None:
    """Raise ExportError where a package does not predict what the pipeline does."""
    if not parity.ok:
        raise ExportError(
            f"packager '{packager.name}' changes predictions: the largest difference on {parity.rows} held-out rows is "
            f"{parity.max_difference:.3g} (tolerance {parity.tolerance:g}), and {parity.changed_decisions} decisions changed",
            hint=hint,
        )


def check_takes(packager: Packager, model: Model) -> None:
    """Raise ExportError where a packager does not take this kind of model (known late if a trainer only says `Model`)."""
    made: Any = types.GenericAlias(Pipeline, (type(model),))
    if not assignable(made, next(iter(ports(type(packager)).takes.values()), Any)):
        raise ExportError(f"packager '{packager.name}' does not take {type(model).__name__}")
