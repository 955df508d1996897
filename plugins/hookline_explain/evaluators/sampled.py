"""What explainers of rows have in common that explain a sample of held-out rows within so many seconds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Gt, Interval

from hookline import Evaluator, Predictor, Report, Scored

from ..budget import Explained
from ..reporting import Wanted
from .sampling import Sampling

if TYPE_CHECKING:
    import polars as pl


class SampledEvaluator(Evaluator):
    """Explains a sample of held-out rows against another one; a subclass says how, in `within_budget`, and how many rows."""

    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {}
    n_shown: Annotated[int, Ge(0)] = 3
    """Rows that the report takes apart: from the lowest answer to the highest."""
    keep_rows: Annotated[int, Ge(0)] = 0
    """Held-out rows that travel in packages, so that answers are explained against whole rows there. None unless you say so,
    since they may tell of people; without them a package's answers are held against its columns, one by one."""
    seconds: Annotated[float, Gt(0)] = 60.0
    """About as long as a report may take: beyond it fewer rows are explained, or one column at a time, which is then said."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the rows, and of what is drawn for each of them."""

    # override: `pipeline` is the argument that an evaluator may name to be given the model.
    def evaluate(self, scored: Scored, pipeline: Predictor) -> Report:
        """Explain a sample of the rows against another one, in as many seconds as there are."""
        explain = partial(self.within_budget, pipeline)
        return self.sampling().report(scored, pipeline, explain, Wanted(self.name, self.n_shown))

    @abstractmethod
    def sampling(self) -> Sampling:
        """Return how many rows are drawn."""

    @abstractmethod
    def within_budget(self, predictor: Predictor, rows: pl.DataFrame, usual: pl.DataFrame) -> Explained:
        """Explain rows against ordinary ones, in as many seconds as there are."""
