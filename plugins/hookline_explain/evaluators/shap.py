"""The `shap` evaluator: how much each raw column moved the answers, over held-out rows and for single ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt

from hookline import Explanation, Predictor
from hookline.data.columns import conform

from ..asked import by_kernel, by_permutation, one_by_one
from ..budget import Budget, Explained
from ..native import native_ways
from ..ways import Way, explained, first_that_holds
from .sampled import SampledEvaluator
from .sampling import Sampling

if TYPE_CHECKING:
    import polars as pl


class ShapEvaluator(SampledEvaluator):
    """SHAP values of raw columns: how much each moved the answers of held-out rows, in all and one by one.

    By the model: exact for trees, coefficients and networks, where what an encoder made of a column (one-hot, say) is folded
    back into it; of any other model, and of packages that hold no model of their own, by asking it. Whether the parts add up
    to the answer is checked. The values say what the model does, not what would happen if a column were changed in the world.
    """

    name = "shap"
    extra = "shap"
    method: Literal["auto", "tree", "linear", "deep", "kernel", "permutation"] = "auto"
    """`auto`: by the trees, coefficients or layers of the model where it has them, else `kernel`, which asks the model."""
    max_rows: Annotated[int, Gt(0)] = 200
    """Most held-out rows that are explained, drawn at random."""
    n_background: Annotated[int, Gt(0)] = 100
    """Rows that say what is ordinary, drawn at random; `kernel` and `permutation` take at most 30 of them."""
    n_samples: Annotated[int, Ge(16)] = 512
    """Coalitions of columns that `kernel` asks about; all there are where they are no more (nine columns)."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the library."""
        return ("shap",)

    def explain(self, predictor: Predictor, rows: pl.DataFrame, background: pl.DataFrame) -> Explanation:
        """Return how much each column's value moved each row's answer away from that of ordinary rows.

        The answer is the probability of the answered class (its log-odds by coefficients), or the number. A row is told the
        same whichever others it is asked with. Raises DataError for an empty background.
        """
        given, usual = conform(rows, predictor.schema), self.sampling().usual_of(predictor, background)
        way, _ = first_that_holds(self._ways(predictor, usual), predictor, usual)
        return explained(predictor, way, given, usual)

    def sampling(self) -> Sampling:
        """Return how many rows are drawn."""
        return Sampling(self.max_rows, self.n_background, self.keep_rows, self.seed)

    def within_budget(self, predictor: Predictor, rows: pl.DataFrame, usual: pl.DataFrame) -> Explained:
        """Explain rows against ordinary ones, in as many seconds as there are."""
        budget = Budget(self.seconds)
        way, refused = first_that_holds(self._ways(predictor, usual), predictor, usual)
        quick = partial(one_by_one, predictor, usual[:_ASKED_OF])
        return budget.explain(predictor, way, rows, quick, refused)

    def _ways(self, predictor: Predictor, usual: pl.DataFrame) -> Iterator[Callable[[], Way]]:
        if self.method not in ("kernel", "permutation"):
            yield from native_ways(predictor, usual, None if self.method == "auto" else self.method)
        few = usual[:_ASKED_OF]
        if self.method == "permutation":
            yield lambda: by_permutation(predictor, few, self.seed)
        else:
            yield lambda: by_kernel(predictor, few, self.n_samples, self.seed)


_ASKED_OF = 30
"""Background rows that a model is asked about for each coalition of each row."""
