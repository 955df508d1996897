"""SHAP values of whatever answers, found by asking it about rows whose columns are mixed with those of ordinary rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hookline import Predictor

from .answers import as_they_are, asking, unit_of
from .library import shap as library
from .ways import Told, Way

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

KERNEL = "Kernel SHAP over raw columns (Lundberg and Lee 2017)"
PERMUTATION = "SHAP by permutations of raw columns, forward and back (Mitchell et al. 2022)"
ONE_BY_ONE = (
    "answer minus the mean answer with the column's value drawn from the background, one column at a time "
    "(Robnik-Sikonja and Kononenko 2008); the parts need not add up"
)
ROUNDS = 10
"""Permutations of the columns, each there and back."""


def by_kernel(predictor: Predictor, background: pl.DataFrame, samples: int, seed: int) -> Way:
    """Ask about coalitions of columns: every one where there are no more than `samples`, else as many drawn."""
    shap = library()

    def values_of(mixed: Mixed, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        explainer: Any = shap.KernelExplainer(mixed.answers, mixed.usual)
        with _seeded(seed):
            values = explainer.shap_values(codes, nsamples=samples, l1_reg=False, silent=True)
        return values, explainer.expected_value

    return Way("kernel", KERNEL, unit_of(predictor.target), _through(predictor, background, values_of), as_they_are)


def by_permutation(predictor: Predictor, background: pl.DataFrame, seed: int) -> Way:
    """Ask along permutations of the columns; the first time in a process numba compiles this for 10 seconds or more."""
    shap = library()
    from shap.maskers import Independent

    def values_of(mixed: Mixed, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with _seeded(seed):
            masker = Independent(mixed.usual, len(mixed.usual))
            explainer = shap.PermutationExplainer(mixed.answers, masker, seed=seed)
            told: Any = explainer(codes, max_evals=ROUNDS * (2 * codes.shape[1] + 1), silent=True)
        return told.values, told.base_values[0]

    return Way(
        "permutation", PERMUTATION, unit_of(predictor.target), _through(predictor, background, values_of), as_they_are
    )


def one_by_one(predictor: Predictor, background: pl.DataFrame) -> Way:
    """Ask with one column at a time drawn from the background: quick, and blind to what columns do together."""
    import numpy as np

    ask = asking(predictor)
    usual = ask(background).mean(axis=0)

    def outputs(rows: pl.DataFrame) -> Told:
        said = ask(rows)
        which, drawn = np.divmod(np.arange(rows.height * background.height), background.height)
        values = np.zeros((rows.height, rows.width, said.shape[1]))
        for place, name in enumerate(rows.columns):
            mixed = ask(rows[which].with_columns(background[name].gather(drawn)))
            values[:, place] = said - mixed.reshape(rows.height, background.height, -1).mean(axis=1)
        return Told(values, usual)

    return Way("one_by_one", ONE_BY_ONE, unit_of(predictor.target), outputs, as_they_are, adds_up=False)


class Mixed:
    """Rows as numbers that stand for their values, so that a library can mix texts, gaps and times as well.

    usual, codes: float64, (n_rows, n_columns): where in all rows a value stands first
    """

    def __init__(self, predictor: Predictor, background: pl.DataFrame, rows: pl.DataFrame) -> None:
        import numpy as np
        import polars as pl

        self._ask = asking(predictor)
        self._all = pl.concat([background, rows])
        codes = np.column_stack([_first_places(column) for column in self._all.get_columns()])
        self.usual, self.codes = codes[: background.height], codes[background.height :]

    def answers(self, codes: np.ndarray) -> np.ndarray:
        """Return what the predictor says of mixed rows, float64 (n_rows, n_outputs)."""
        import numpy as np
        import polars as pl

        places = np.asarray(codes).astype(np.int64)
        columns = enumerate(self._all.columns)
        return self._ask(pl.DataFrame({name: self._all[name].gather(places[:, at]) for at, name in columns}))


def _first_places(column: pl.Series) -> np.ndarray:
    """Return where each value stands first in a column, float64 (n_rows,)."""
    import polars as pl

    values = column.to_frame("value").with_row_index("place")
    places: np.ndarray = values.select(pl.col("place").min().over("value")).to_series().to_numpy().astype(float)
    return places


def _through(
    predictor: Predictor,
    background: pl.DataFrame,
    values_of: Callable[[Mixed, np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> Callable[[pl.DataFrame], Told]:
    import numpy as np

    def outputs(rows: pl.DataFrame) -> Told:
        mixed = Mixed(predictor, background, rows)
        # One row at a time, each from the same seed, so that it is told the same whichever others it is asked with.
        each = [values_of(mixed, mixed.codes[place : place + 1]) for place in range(rows.height)]
        told = np.concatenate([np.asarray(values, dtype=np.float64) for values, _ in each])
        base = np.atleast_1d(np.asarray(each[0][1], dtype=np.float64))
        return Told(told if told.ndim == 3 else told[:, :, None], base)

    return outputs


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Have the global generator, by which shap draws, begin at a seed, and be afterwards as it was."""
    import numpy as np

    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)
