"""Missing numbers from the other numbers of their row, by linear models that are gone through in turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt, Interval

from hookline import Dataset, Finding, Transform, report_finding
from hookline.errors import DataError

from .isolation import numbers_of
from .whole import filled

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True)
class Turn:
    """One column from the others: weights * others + constant, within the limits."""

    column: int
    weights: tuple[float, ...]
    """One a column, 0 for its own."""
    constant: float


@dataclass(frozen=True)
class FittedImputeIterative:
    """Fills missing numbers by linear models of the others."""

    columns: tuple[str, ...]
    means: tuple[float, ...]
    """What missing numbers count as at first."""
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    """Of each column, the smallest and largest number of the training rows: none that is filled is beyond."""
    turns: tuple[Turn, ...]
    """In order; a column has one in each round."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Fill; the columns become float64, and one that is not there counts as missing in every row."""
        return filled(frame, self.columns, self._filled)

    def _filled(self, rows: pl.DataFrame) -> np.ndarray:
        import numpy as np

        X = matrix_of(rows, self.columns)
        gaps = np.isnan(X)
        X = np.where(gaps, np.array(self.means), X)
        for turn in self.turns:
            here = np.flatnonzero(gaps[:, turn.column])
            if len(here):
                # Column by column, so that what a row is given does not hang on the rows beside it.
                found = np.full(len(here), turn.constant)
                for place, weight in enumerate(turn.weights):
                    if weight:
                        found += weight * X[here, place]
                X[here, turn.column] = found.clip(self.lowest[turn.column], self.highest[turn.column])
        return X

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        def number(value: float) -> Any:
            return op.const(np.float64(value))

        gaps = [op.isnan(inputs[name]) for name in self.columns]
        columns = [
            op.where(gap, number(mean), inputs[name])
            for name, gap, mean in zip(self.columns, gaps, self.means, strict=True)
        ]
        for turn in self.turns:
            found = number(turn.constant)
            for column, weight in zip(columns, turn.weights, strict=True):
                found = op.add(found, op.mul(column, number(weight))) if weight else found
            low, high = number(self.lowest[turn.column]), number(self.highest[turn.column])
            limited = op.where(op.less(found, low), low, op.where(op.greater(found, high), high, found))
            columns[turn.column] = op.where(gaps[turn.column], limited, columns[turn.column])
        return {**inputs, **dict(zip(self.columns, columns, strict=True))}


class ImputeIterativeTransform(Transform):
    """Fill missing numbers from the others of their row, by linear models in turns (van Buuren, Groothuis-Oudshoorn 2011)."""

    name = "impute_iterative"
    extra = "sklearn"
    columns: tuple[str, ...] = ()
    """Columns to fill and to fill from; by default every number among the features."""
    max_iter: Annotated[int, Gt(0)] = 10
    """Rounds at most; fewer where what is filled no longer moves."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the backend; linear models need none."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def fit(self, train: Dataset) -> FittedImputeIterative:
        """Fit the models; raises DataError for a column without any value, ConfigError for one that holds no number."""
        import numpy as np

        names = numbers_of(train, self.columns, "transform.impute_iterative.columns")
        X = matrix_of(train.weighing().frame.select(names).collect(), names)
        require_held(X, names, self.name)
        low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
        means = np.nanmean(X, axis=0)
        turns = self._turns(X, low, high) if len(names) > 1 and np.isnan(X).any() else ()
        return FittedImputeIterative(tuple(names), floats(means), floats(low), floats(high), turns)

    def _turns(self, X: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[Turn, ...]:
        import warnings

        import numpy as np
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.experimental import enable_iterative_imputer  # noqa: F401  it must be imported first
        from sklearn.impute import IterativeImputer

        # A column without spread has no model of its own, and needs limits that are apart.
        limits: Any = {"min_value": low, "max_value": np.where(high > low, high, np.nextafter(high, np.inf))}
        imputer = IterativeImputer(max_iter=self.max_iter, random_state=self.seed, **limits)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            imputer.fit(X)
        if any(issubclass(one.category, ConvergenceWarning) for one in caught):
            _tell(self.max_iter)
        found = []
        for column, others, model in imputer.imputation_sequence_:
            weights = np.zeros(X.shape[1])
            weights[others] = model.coef_
            found.append(Turn(int(column), floats(weights), float(model.intercept_)))
        return tuple(found)


def matrix_of(rows: pl.DataFrame, names: tuple[str, ...] | list[str]) -> np.ndarray:
    """Return columns as float64 (n_rows, n_columns) with NaN for missing and infinite numbers, and where one is not there."""
    import numpy as np

    columns = [
        rows[name].cast(float).fill_null(float("nan")).to_numpy()
        if name in rows.columns
        else np.full(rows.height, np.nan)
        for name in names
    ]
    X: np.ndarray = np.column_stack(columns) if columns else np.empty((rows.height, 0))
    return np.where(np.isinf(X), np.nan, X)


def require_held(X: np.ndarray, names: list[str], component: str) -> None:
    """Raise DataError for columns that no row has a value of."""
    import numpy as np

    missing: Any = np.isnan(X).all(axis=0)
    empty = [name for place, name in enumerate(names) if missing[place]]
    if empty:
        raise DataError(
            f"{component} cannot fill {', '.join(empty[:5])}: no training row has a value",
            hint="add them to roles.ignore",
        )


def floats(values: np.ndarray) -> tuple[float, ...]:
    """Return numbers as plain data."""
    return tuple(map(float, values))


def _tell(rounds: int) -> None:
    report_finding(
        Finding(
            subject="impute_iterative",
            statistic="rounds",
            value=float(rounds),
            threshold=float(rounds),
            severity="info",
            message=f"what impute_iterative fills still moved after {rounds} rounds; "
            f"transform.impute_iterative.max_iter={5 * rounds} lets it settle",
        )
    )
