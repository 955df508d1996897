"""The `lime` evaluator: a linear model around each row says how much keeping each raw column's value moves the answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Gt, Interval

from hookline import Evaluator, Explanation, Predictor, Report, Scored
from hookline.data.columns import conform

from ..asked import one_by_one
from ..budget import Budget, Explained
from ..reporting import Wanted
from ..surrogate import by_surrogate
from ..ways import explained
from .sampling import Sampling

if TYPE_CHECKING:
    import polars as pl


class LimeEvaluator(Evaluator):
    """LIME of raw columns: a linear model, fitted to answers near a row, says what keeping each column's value does.

    Any predictor is asked about rows in which some columns keep the row's value and others have one of ordinary rows, texts
    and missing values as they are (Ribeiro, Singh and Guestrin 2016). The parts add up to what the linear model says, not to
    the answer: the report tells how well it fits (R2), and warns where it does not.
    """

    name = "lime"
    extra = "lime"
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {}
    max_rows: Annotated[int, Gt(0)] = 100
    """Most held-out rows that are explained, drawn at random."""
    n_background: Annotated[int, Gt(1)] = 100
    """Rows that say what is ordinary, drawn at random."""
    n_samples: Annotated[int, Ge(50)] = 1_000
    """Rows that the model is asked about near each row."""
    kernel_width: Annotated[float, Gt(0)] | None = None
    """How far away a row still counts; by default three quarters of the square root of the number of columns."""
    n_shown: Annotated[int, Ge(0)] = 3
    """Rows that the report takes apart: from the lowest answer to the highest."""
    keep_rows: Annotated[int, Ge(0)] = 0
    """Held-out rows that travel in packages, so that answers are explained against whole rows there. None unless you say so,
    since they may tell of people; without them a package's answers are held against its columns, one by one."""
    seconds: Annotated[float, Gt(0)] = 60.0
    """About as long as a report may take: beyond it fewer rows are explained, or one column at a time, which is then said."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of rows and of what is asked near each."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the library."""
        return ("lime",)

    # override: `pipeline` is the argument that an evaluator may name to be given the model.
    def evaluate(self, scored: Scored, pipeline: Predictor) -> Report:
        """Explain a sample of the rows against another one, in as many seconds as there are."""
        explain = partial(self._within_budget, pipeline)
        return self._sampling().report(scored, pipeline, explain, Wanted(self.name, self.n_shown))

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        """Return the weight of each column's value near each row, and what the linear model says without any of them.

        The answer is the probability of the answered class (1 where the model gives none), or the number. A row is told the
        same whichever others it is asked with. Raises DataError for an empty background.
        """
        given, usual = conform(rows, predictor.schema), self._sampling().usual_of(predictor, background)
        way = by_surrogate(predictor, usual, self.n_samples, self.kernel_width, self.seed)
        return explained(predictor, way, given, usual)

    def _sampling(self) -> Sampling:
        return Sampling(self.max_rows, self.n_background, self.keep_rows, self.seed)

    def _within_budget(self, predictor: Predictor, rows: pl.DataFrame, usual: pl.DataFrame) -> Explained:
        budget = Budget(self.seconds)
        way = by_surrogate(predictor, usual, self.n_samples, self.kernel_width, self.seed)
        return budget.explain(predictor, way, rows, partial(one_by_one, predictor, usual), ())
