"""What encoders made of a column, folded back into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookline import Feature
from hookline.errors import DataError

if TYPE_CHECKING:
    import numpy as np


def folding(features: Sequence[Feature], columns: Sequence[str]) -> np.ndarray:
    """Return how much of each feature's share each raw column gets, float64 (n_features, n_columns).

    All of it goes to the column that a feature is computed from; where there are several, each gets as much, as Shapley's
    symmetry has it of players that only act together. Raises DataError for a feature of what is no raw column.
    """
    import numpy as np

    place = {name: at for at, name in enumerate(columns)}
    shares = np.zeros((len(features), len(columns)))
    for row, feature in enumerate(features):
        strange = [name for name in feature.inputs if name not in place]
        if strange or not feature.inputs:
            made = f"'{strange[0]}', which is no raw column" if strange else "no column"
            raise DataError(f"feature '{feature.name}' is made of {made}")
        for name in feature.inputs:
            shares[row, place[name]] += 1 / len(feature.inputs)
    return shares


def fold(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the values of columns (n_rows, n_columns, n_outputs), given those of features (n_rows, n_features, n_outputs)."""
    import numpy as np

    folded: np.ndarray = np.einsum("rfo,fc->rco", values, shares, optimize=True)
    return folded
