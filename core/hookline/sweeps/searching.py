"""What a page tells of a sweep beside its leaderboard: how much hangs on each parameter, and how its trials learned."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.spreadsheets import without_formulas
from hookline.registry.registry import Registry

from .leaderboard import Leaderboard
from .ledger import ENDED, JobRecord

if TYPE_CHECKING:
    import numpy as np

FEWEST = 10
"""Trials below which nothing is said of what hangs on a parameter."""
PARTS, TREES, SHUFFLES = 5, 100, 10
MOST_CURVES, MOST_POINTS = 60, 200
FOREST = "permutation importance of a random forest"
"""Breiman 2001, "Random forests", section 10; by scikit-learn, on trials that the forest has not seen."""
ANOVA = "Optuna's functional ANOVA of a forest"
"""Hutter, Hoos and Leyton-Brown 2014, "An efficient approach for assessing hyperparameter importance"."""


def write(board: Leaderboard, jobs: Sequence[JobRecord], folder: Path, registry: Registry) -> None:
    """Write leaderboard.csv, leaderboard.parquet and, where a plugin draws it, leaderboard.html."""
    frame = board.frame()
    frame.write_parquet(folder / "leaderboard.parquet")
    without_formulas(frame).write_csv(folder / "leaderboard.csv")
    registry.render("leaderboard", page_facts(board, jobs), folder / "leaderboard.html")


def page_facts(board: Leaderboard, jobs: Sequence[JobRecord]) -> dict[str, Any]:
    """Return a leaderboard as JSON values with `importances` and `curves`.

    importances: {method, foreseen, of: [[key, share]]}, the greatest first, shares of 1; None where nothing can be said
    curves: one a trial that reported steps: rank, status, name, greater_is_better, points [[step, value]]
    """
    return {**board.plain(), "importances": importances(board), "curves": list(curves(board, jobs))}


def importances(board: Leaderboard) -> dict[str, Any] | None:
    """Return how much of what a forest foresees of the metric hangs on each key that varied; None where that is not known.

    A key's share is that of the variance which it explains by itself, by optuna; where a trial lacks a key that others have,
    or optuna is not installed, what a forest's error on trials that it has not seen grows by once the key's values are
    shuffled. `foreseen` is the share of the metric's variance over those trials that the forest explains; where it explains
    none, or of fewer than 10 trials, or of a single key, nothing is said.
    """
    rows = [row for row in board.rows if row["status"] == "finished" and _is_finite(row.get(board.metric or ""))]
    keys = [key for key in board.varied if key != board.metric]
    if len(rows) < FEWEST or len(keys) < 2 or find_spec("sklearn") is None:
        return None
    values = [float(row[board.metric or ""]) for row in rows]
    if max(values) == min(values):
        return None
    grown, foreseen = _grown(rows, keys, values)
    total = sum(grown)
    if foreseen <= 0 or total <= 0:
        return None
    method, parts = FOREST, [one / total for one in grown]
    if (variances := _variances(rows, keys, values)) is not None:
        method, parts = ANOVA, variances
    shares = sorted(zip(keys, parts, strict=True), key=lambda one: -one[1])
    return {"method": method, "foreseen": foreseen, "of": [list(one) for one in shares]}


def _variances(rows: Sequence[Mapping[str, Any]], keys: Sequence[str], values: Sequence[float]) -> list[float] | None:
    """Return each key's share of the variance by optuna; None where it is not installed, or a trial lacks a key."""
    if find_spec("optuna") is None or any(row.get(key) is None for row in rows for key in keys):
        return None
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import create_trial

    columns = {key: _column([row[key] for row in rows]) for key in keys}
    kinds = {key: _domain(found) for key, found in columns.items()}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    for place, value in enumerate(values):
        params = {key: found[place] for key, found in columns.items()}
        study.add_trial(create_trial(params=params, distributions=kinds, value=value))
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0), params=list(keys))
    total = sum(found.values())
    return [found[key] / total for key in keys] if total > 0 else None


def _column(found: Sequence[Any]) -> list[Any]:
    return [float(one) for one in found] if all(map(_is_number, found)) else [str(one) for one in found]


def _domain(found: Sequence[Any]) -> Any:
    """Return optuna's distribution that spans some values; by powers where the greatest is 1,000 times the least."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(found[0], str):
        return CategoricalDistribution(sorted(set(found)))
    low, high = min(found), max(found)
    return FloatDistribution(low, high, log=low > 0 and high >= 1_000 * low)


def _grown(
    rows: Sequence[Mapping[str, Any]], keys: Sequence[str], values: Sequence[float]
) -> tuple[list[float], float]:
    """Return what the error grows by for each key, at least 0, and the share of the variance that is foreseen."""
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold

    y = np.asarray(values)
    errors, grown = np.zeros(len(y)), np.zeros(len(keys))
    for train, test in KFold(PARTS, shuffle=True, random_state=0).split(y):
        X = np.column_stack([_coded([row.get(key) for row in rows], y, train) for key in keys])
        forest = RandomForestRegressor(TREES, random_state=0).fit(X[train], y[train])
        errors[test] = (forest.predict(X[test]) - y[test]) ** 2
        found: Any = permutation_importance(
            forest, X[test], y[test], scoring="neg_mean_squared_error", n_repeats=SHUFFLES, random_state=0
        )
        grown += found.importances_mean * len(test)
    return np.clip(grown, 0, None).tolist(), 1 - float(errors.mean() / y.var())


def _coded(found: Sequence[Any], y: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return a key's values as numbers, float64 (n_rows,); choices by what they are worth on average (Breiman et al. 1984, 4.2).

    What a trial does not have is not a number, by which a forest parts rows as well.
    """
    import numpy as np

    if all(_is_number(one) for one in found if one is not None):
        return np.array([math.nan if one is None else float(one) for one in found])
    worth: dict[str, list[float]] = {}
    for place in train.tolist():
        worth.setdefault(str(found[place]), []).append(float(y[place]))
    order = {name: statistics.fmean(some) for name, some in worth.items()}
    return np.array([math.nan if one is None else order.get(str(one), math.nan) for one in found])


def curves(board: Leaderboard, jobs: Sequence[JobRecord]) -> Iterator[dict[str, Any]]:
    """Yield how each trial's first job learned, those that were given up among them; the best first, at most 60."""
    first: dict[int, JobRecord] = {}
    for job in jobs:
        first.setdefault(job.trial, job)
    told = 0
    for row in board.rows:
        began = first.get(row["trial"])
        learning = _learning(began) if began is not None and began.status in ENDED else None
        if learning is not None and told < MOST_CURVES:
            told += 1
            every = math.ceil(len(learning["points"]) / MOST_POINTS)
            named = {key: learning[key] for key in ("name", "greater_is_better")}
            points = [*learning["points"][::every]]
            if points[-1] != learning["points"][-1]:
                points.append(learning["points"][-1])
            yield {"rank": row["rank"], "status": row["status"], **named, "points": points}


def _learning(job: JobRecord) -> Any:
    """Return the learning curve in a job's evidence; None where it reported no steps, or its run is gone."""
    if not job.path:
        return None
    try:
        evidence = json.loads((Path(job.path) / "evidence.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    learning = evidence.get("learning")
    return learning if learning and learning["points"] else None


def _is_finite(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
