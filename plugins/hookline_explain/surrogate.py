"""LIME on raw columns: near each row a linear model of whether each column keeps its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline import Predictor

from .answers import answered_codes, as_they_are, unit_of
from .asked import Mixed
from .ways import Told, Way

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

LIME = (
    "LIME over raw columns (Ribeiro et al. 2016): what keeping each column's value moves, in a linear model of the answers "
    "nearby; the parts add up to what that model says"
)


def by_surrogate(predictor: Predictor, background: pl.DataFrame, samples: int, width: float | None, seed: int) -> Way:
    """Ask about `samples` rows near each row, in which each column keeps its value, half the time, or has an ordinary one."""
    # Here, since a budget goes by how long the first row takes.
    import lime.lime_tabular  # noqa: F401

    def outputs(rows: pl.DataFrame) -> Told:
        import numpy as np

        codes = answered_codes(predictor.target, predictor.predict(rows))
        found = [
            _near(predictor, background, rows[at : at + 1], int(codes[at]), samples, width, seed)
            for at in range(rows.height)
        ]
        n_outputs = max(1, len(predictor.target.classes))
        values, base = np.zeros((rows.height, rows.width, n_outputs)), np.zeros((rows.height, n_outputs))
        for at, (weights, start, _) in enumerate(found):
            values[at, :, codes[at]], base[at, codes[at]] = weights, start
        return Told(values, base, np.array([fit for _, _, fit in found]))

    return Way("lime", LIME, unit_of(predictor.target), outputs, as_they_are, adds_up=False)


def _near(
    predictor: Predictor,
    background: pl.DataFrame,
    row: pl.DataFrame,
    code: int,
    samples: int,
    width: float | None,
    seed: int,
) -> tuple[np.ndarray, float, float]:
    """Return the weight of each column (n_columns,), the intercept and the fit of the linear model near one row."""
    import numpy as np
    from lime.lime_tabular import LimeTabularExplainer

    mixed = Mixed(predictor, background, row)
    own = mixed.codes[0]
    # Beside ordinary rows as often the row itself: else one whose values are rare would hardly ever keep them.
    drawn_from = np.concatenate([mixed.usual, np.tile(own, (background.height, 1))])
    explainer: Any = LimeTabularExplainer(
        drawn_from,
        categorical_features=list(range(row.width)),
        discretize_continuous=False,
        kernel_width=width,
        feature_selection="none",
        random_state=np.random.RandomState(seed),
    )
    told = explainer.explain_instance(
        own, lambda asked: _as_shares(mixed.answers(asked), code), labels=(1,), num_samples=samples
    )
    weights = np.zeros(row.width)
    for place, weight in told.local_exp[1]:
        weights[place] = weight
    return weights, float(told.intercept[1]), float(told.score)


def _as_shares(answers: np.ndarray, code: int) -> np.ndarray:
    """Return one answer and what it lacks of 1, (n_rows, 2): the library takes two classes, whatever it is about."""
    import numpy as np

    wanted = answers[:, code]
    return np.column_stack([1 - wanted, wanted])
