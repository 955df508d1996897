"""A fit that a search may give up early: first to parts of the training rows, each judged, and to all of them only then.

It is successive halving with rows as the resource (Jamieson and Talwalkar 2016, "Non-stochastic best arm identification and
hyperparameter optimization"), for trainers that have no steps of their own to be judged by.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.target import decode
from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID, Dataset, Features, Target
from hookline.kinds.fitting import Curve, checkpoints_in, is_being_judged, judged_by, report_step, steps_in
from hookline.kinds.reports import Metrics
from hookline.kinds.scored import Scored
from hookline.quality.judging import metrics_of_rows

if TYPE_CHECKING:
    import numpy as np

    from hookline.kinds.fitted import Prediction
    from hookline.kinds.kinds import Trainer

    from ...execution import Execution

HELD = 0.2
"""Share of the training rows that judge the parts of the others, where there are no validation rows."""


def climb(run: Execution, trainer: Trainer, train: Features, valid: Features | None, folder: Path) -> bool:
    """Fit to growing shares of the training rows and report what each is worth; False where nothing is to be judged so.

    A share is a step, in per cent of the rows that may be learned from; held-out rows have no part in it. The steps that the
    trainer itself reports of these fits are not told, and a share that it cannot be fitted to judges nothing.
    folder: for their checkpoints
    Raises Pruned where the fit is not worth going on with, and DataError where nothing measures it.
    """
    shares = run.plan.config.options.rungs
    if not shares or not is_being_judged():
        return False
    order = _mixed(train, run.plan.config.options.seed)
    held = 0 if valid is not None else round(HELD * len(order))
    learned, rows = order[held:], _some(train, order[:held]) if valid is None else valid
    for share in sorted(set(shares)):
        part = _some(train, learned[: max(1, round(share * len(learned)))])
        with steps_in(Curve()), judged_by(None), checkpoints_in(folder / f"rung-{share:g}"):
            said = _answers(run, trainer, part, rows)
        if said is None:
            continue
        head = Metrics(metrics_of_rows(run.registry, _scored(run, said, rows))).headline()
        if head is None:
            raise DataError("nothing measures the model, so no share of the rows can be judged", hint="leave rungs out")
        step = max(1, round(100 * share))
        report_step(step, head.value, name=f"{head.name}_at_share", greater_is_better=head.greater_is_better)
    return True


def _answers(run: Execution, trainer: Trainer, part: Features, rows: Features) -> Prediction | None:
    """Return what a model of some rows says of others; None where there is none."""
    try:
        return decode(trainer.fit(part, None).predict(rows), run.value("target"))
    except Exception:  # noqa: BLE001  a plugin's may ask for more rows in whatever way, which says nothing of all of them
        return None


def _mixed(train: Features, seed: int) -> np.ndarray:
    """Return the positions of rows, int64 (n_rows,), in an order in which each class comes in its share."""
    import numpy as np

    rng = np.random.default_rng(seed)
    y: Any = train.y
    order = rng.permutation(len(y))
    if train.target is None or not train.target.classes:
        return order
    place = np.empty(len(y))
    for code in np.unique(y):
        mine = order[y[order] == code]
        place[mine] = (np.arange(len(mine)) + rng.random()) / len(mine)
    return np.argsort(place, kind="stable")


def _some(features: Features, places: np.ndarray) -> Features:
    X: Any = features.X
    y: Any = features.y
    ids, weight = features.row_ids, features.sample_weight
    return replace(
        features,
        X=X[places],
        y=y[places],
        row_ids=None if ids is None else ids[places],
        sample_weight=None if weight is None else weight[places],
    )


def _scored(run: Execution, said: Prediction, rows: Features) -> Scored:
    import numpy as np
    import polars as pl

    target: Target = run.value("target")
    y: Any = rows.y
    labels = np.array(target.classes, dtype=None if len({type(one) for one in target.classes}) == 1 else object)
    data = Dataset(pl.LazyFrame({ROW_ID: np.arange(len(y))}), name="rows that judge shares")
    truth = labels[y] if target.classes else y
    return Scored.of(data, said, target, truth, rows.sample_weight)
