"""The `lime` evaluator: a linear model around each row says how much keeping each raw column's value moves the answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt

from hookline import Explanation, Predictor
from hookline.data.columns import conform

from ..asked import one_by_one
from ..budget import Budget, Explained
from ..surrogate import by_surrogate
from ..ways import explained
from .sampled import SampledEvaluator
from .sampling import Sampling

if TYPE_CHECKING:
    import polars as pl


class LimeEvaluator(SampledEvaluator):
    """LIME of raw columns: a linear model, fitted to answers near a row, says what keeping each column's value does.

    Any predictor is asked about rows in which some columns keep the row's value and others have one of ordinary rows, texts
    and missing values as they are (Ribeiro, Singh and Guestrin 2016). The parts add up to what the linear model says, not to
    the answer: the report tells how well it fits (R2), and warns where it does not.
    """

    name = "lime"
    extra = "lime"
    max_rows: Annotated[int, Gt(0)] = 100
    """Most held-out rows that are explained, drawn at random."""
    n_background: Annotated[int, Gt(1)] = 100
    """Rows that say what is ordinary, drawn at random."""
    n_samples: Annotated[int, Ge(50)] = 1_000
    """Rows that the model is asked about near each row."""
    kernel_width: Annotated[float, Gt(0)] | None = None
    """How far away a row still counts; by default three quarters of the square root of the number of columns."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the library."""
        return ("lime",)

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        """Return the weight of each column's value near each row, and what the linear model says without any of them.

        The answer is the probability of the answered class (1 where the model gives none), or the number. A row is told the
        same whichever others it is asked with. Raises DataError for an empty background.
        """
        given, usual = conform(rows, predictor.schema), self.sampling().usual_of(predictor, background)
        way = by_surrogate(predictor, usual, self.n_samples, self.kernel_width, self.seed)
        return explained(predictor, way, given, usual)

    def sampling(self) -> Sampling:
        """Return how many rows are drawn."""
        return Sampling(self.max_rows, self.n_background, self.keep_rows, self.seed)

    def within_budget(self, predictor: Predictor, rows: pl.DataFrame, usual: pl.DataFrame) -> Explained:
        """Explain rows against ordinary ones, in as many seconds as there are."""
        budget = Budget(self.seconds)
        way = by_surrogate(predictor, usual, self.n_samples, self.kernel_width, self.seed)
        return budget.explain(predictor, way, rows, partial(one_by_one, predictor, usual), ())
