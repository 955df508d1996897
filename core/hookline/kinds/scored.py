"""Rows with what a model answered and, where known, what was true: what evaluators and some monitors judge."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError

from .artifacts import Dataset, Roles, Target
from .fitted import BOUNDS, IN_SET, PROBABILITY, Prediction, label_text

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

PREDICTION = "prediction"
TRUTH = "truth"
WEIGHT = "weight"
PREDICTION_ID = "prediction_id"
"""The column that rows of the prediction log have, and no others."""
OF_LOG = frozenset((PREDICTION_ID, "time", "version", "arm"))
ASIDE = "raw."
"""Stands before a raw column's name that would be one of the above."""


@dataclass(frozen=True)
class Held:
    """The answers and the truth of the same rows as arrays, where they are at hand already."""

    prediction: Prediction
    truth: np.ndarray | None
    weight: np.ndarray | None

    def where(self, kept: np.ndarray) -> Held:
        """Return those of some rows; kept: bool, (n_rows,)."""
        said, truth, weight = self.prediction, self.truth, self.weight
        shares = None if said.probabilities is None else said.probabilities[kept]
        bounds = None if said.intervals is None else said.intervals[kept]
        sets = None if said.sets is None else said.sets[kept]
        return Held(
            replace(said, values=said.values[kept], probabilities=shares, intervals=bounds, sets=sets),
            None if truth is None else truth[kept],
            None if weight is None else weight[kept],
        )


@dataclass(frozen=True)
class Scored:
    """Rows with what a model answered and, where known, what was true, wherever they come from.

    frame: one row an answer: the raw columns, `ROW_ID`, `prediction` (a label or a number), `probability_<class>`
        (float64); where known `truth` and `weight`; from the prediction log also `prediction_id`, `time`, `version` and
        `arm`. A raw column of a name that these rows use so stands as `raw.<name>`, one called `prediction_id` always;
        `rows` gives it its own name again.
    """

    frame: pl.LazyFrame
    target: Target
    roles: Roles = field(default_factory=Roles)
    name: str = "scored"
    held: Held | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        rows: Dataset,
        prediction: Prediction,
        target: Target,
        truth: np.ndarray | None = None,
        weight: np.ndarray | None = None,
        log: pl.DataFrame | None = None,
    ) -> Scored:
        """Put answers beside their rows; raises DataError where there are more or fewer of something than rows.

        prediction: of each row, in order; truth: labels or numbers, (n_rows,); weight: float64, (n_rows,)
        log: of rows of the prediction log, `prediction_id`, `time`, `version` and, where there are any, `arm`
        """
        import polars as pl

        held = Held(prediction, truth, weight)
        _require_lengths(rows, held)
        answers = _answers(held, target)
        names = _names(target) | ({PREDICTION_ID} if log is None else OF_LOG)
        taken = {name: f"{ASIDE}{name}" for name in rows.frame.collect_schema().names() if name in names}
        parts = [rows.frame.rename(taken), answers.lazy(), *([] if log is None else [log.lazy()])]
        frame = pl.concat(parts, how="horizontal")
        return cls(frame, target, rows.roles, rows.name, held)

    def prediction(self) -> Prediction:
        """Return the answers: values (n_rows,), and for classes probabilities (n_rows, n_classes) in the target's order."""
        if self.held is not None:
            return self.held.prediction
        shares = [f"{PROBABILITY}{label_text(label)}" for label in self.target.classes]
        names = set(self.frame.collect_schema().names())
        found = self.frame.select(PREDICTION, *(name for name in shares if name in names)).collect()
        probabilities = found.select(shares).to_numpy() if shares and set(shares) <= names else None
        classes = self.target.classes if probabilities is not None else ()
        return Prediction(_array(found[PREDICTION]), probabilities, classes)

    def truth(self) -> np.ndarray:
        """Return what was true, labels or numbers, (n_rows,); raises DataError where that of some row is not known."""
        if self.held is not None and self.held.truth is not None:
            return self.held.truth
        self._require_truth()
        column = self.frame.select(TRUTH).collect()[TRUTH]
        if column.null_count():
            raise DataError(
                f"what was true is not known of {column.null_count()} of {len(column)} rows of '{self.name}'",
                hint="`scored.labeled()` leaves out rows without truth",
            )
        return _array(column)

    def weight(self) -> np.ndarray | None:
        """Return how much each row counts, float64 (n_rows,); None for equal weights."""
        if self.held is not None:
            return self.held.weight
        if WEIGHT not in self.frame.collect_schema().names():
            return None
        weights: np.ndarray = self.frame.select(WEIGHT).collect()[WEIGHT].cast(float).to_numpy()
        return weights

    def groups(self) -> np.ndarray | None:
        """Return a number for the group of each row, int64 (n_rows,); None where no role names groups, or these rows lack it."""
        return None if self.roles.group is None else groups_in(self.rows())

    def labeled(self) -> Scored:
        """Return the rows of which it is known what was true; raises DataError where that is told of none."""
        import polars as pl

        self._require_truth()
        return Scored(self.frame.filter(pl.col(TRUTH).is_not_null()), self.target, self.roles, self.name)

    def weighing(self) -> Scored:
        """Return the rows that count: all but those of weight 0."""
        weight = self.weight()
        if weight is None or (weight != 0).all():
            return self
        import polars as pl

        kept = weight != 0
        held = None if self.held is None else self.held.where(kept)
        return replace(self, frame=self.frame.filter(pl.lit(pl.Series(kept))), held=held)

    def rows(self) -> Dataset:
        """Return the raw rows, under their own names."""
        import polars as pl

        names = self.frame.collect_schema().names()
        own = {name: name.removeprefix(ASIDE) for name in names if name.startswith(ASIDE)}
        answers = _names(self.target) | (OF_LOG if PREDICTION_ID in names else {PREDICTION_ID})
        aside = {name for name in own if own[name] in answers}
        kept = [pl.col(name).alias(own[name]) if name in aside else name for name in names if name not in answers]
        return Dataset(self.frame.select(kept), self.roles, self.name, self.target)

    def _require_truth(self) -> None:
        if TRUTH not in self.frame.collect_schema().names():
            raise DataError(f"nothing is known of what was true of the rows of '{self.name}'", hint="join labels first")


def groups_in(rows: Dataset) -> np.ndarray | None:
    """Return a number for the group of each row, int64 (n_rows,); None where no role names groups, or these rows lack it."""
    import polars as pl

    name = rows.roles.group
    if name is None or name not in rows.frame.collect_schema().names():
        return None
    # A row without a group is related to no other.
    alone = pl.concat_str(pl.lit("\0"), pl.int_range(pl.len()).cast(pl.String))
    named = rows.frame.select(pl.coalesce(pl.col(name).cast(pl.String), alone).rank("dense").cast(pl.Int64)).collect()
    numbers: np.ndarray = named.to_series().to_numpy()
    return numbers


def answers_column(target: Target) -> str:
    """Return the column of `Scored.frame` that tells most of the answers: of two classes the probability of the later."""
    return f"{PROBABILITY}{label_text(target.classes[1])}" if target.task == "binary" else PREDICTION


def _names(target: Target) -> frozenset[str]:
    """Return the names of columns that say what was answered or true, whether these rows have them or not."""
    return frozenset((PREDICTION, TRUTH, WEIGHT, *(f"{PROBABILITY}{label_text(label)}" for label in target.classes)))


def _require_lengths(rows: Dataset, held: Held) -> None:
    import polars as pl

    height = int(rows.frame.select(pl.len()).collect().item())
    told = {"answers": held.prediction.values, "probabilities": held.prediction.probabilities}
    told |= {"truths": held.truth, "weights": held.weight}
    wrong = [f"{len(array):,} {what}" for what, array in told.items() if array is not None and len(array) != height]
    if wrong:
        raise DataError(f"'{rows.name}' has {height:,} rows, but there are {', '.join(wrong)}", hint="give one a row")


def _answers(held: Held, target: Target) -> pl.DataFrame:
    import polars as pl

    columns: dict[str, Any] = {name: held.prediction.frame()[name] for name in held.prediction.frame().columns}
    for name in ("row_id", *BOUNDS, *(f"{IN_SET}{label_text(label)}" for label in target.classes)):
        columns.pop(name, None)
    if held.truth is not None:
        columns[TRUTH] = Prediction(held.truth).frame()[PREDICTION]
    if held.weight is not None:
        columns[WEIGHT] = held.weight
    return pl.DataFrame(columns)


def _array(column: pl.Series) -> np.ndarray:
    import numpy as np

    array: np.ndarray = column.to_numpy()
    return np.array(column.to_list()) if array.dtype == object else array
