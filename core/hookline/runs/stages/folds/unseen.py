"""What models of folds say of training rows that they had not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.data.target import encode
from hookline.errors import DataError
from hookline.kinds.fitted import Prediction
from hookline.packages.deciding.options import DecisionOptions

from ...parts import pipeline_of, plain_answers_of, weights_in
from .stage import inner_of

if TYPE_CHECKING:
    from ...execution import Execution


def unseen_answers(run: Execution) -> tuple[Prediction, Any, Any]:
    """Return the answers to the rows of every fold of the first draw, with true class codes (n,) and weights (n,) or None.

    The folds' models are those that the stage `folds` judges, each fitted once. Raises DataError where a fold lacks a class.
    """
    import numpy as np

    target, count = run.value("target"), run.plan.config.options.split.folds or 0
    values, chances, truths, weights = [], [], [], []
    for number in range(count):
        inner = inner_of(run, number, DecisionOptions())
        rows, said = plain_answers_of(inner)
        pipeline = pipeline_of(inner, ruled=False)
        if pipeline.target.classes != target.classes:
            raise DataError(
                f"fold {number + 1} of {count} lacks a class in its training rows, so no threshold is chosen on folds",
                hint="fewer folds, or decision.chosen_on=validation with split.valid=0.2",
            )
        if said.probabilities is None:
            # The stage has refused a model without them before.
            raise DataError("the models of folds give no probabilities")
        values.append(said.values)
        chances.append(said.probabilities)
        truths.append(encode(pipeline.truth(rows), target))
        weights.append(weights_in(inner.value("split").test))
    weight = None if weights[0] is None else np.concatenate([one for one in weights if one is not None])
    answers = Prediction(np.concatenate(values), np.concatenate(chances), target.classes)
    return answers, np.concatenate(truths), weight
