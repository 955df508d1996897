"""The `log_target` trainer: another trainer's regression of the logarithm of the target."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from annotated_types import Ge

from hookline import Features, SklearnModel, Trainer
from hookline.errors import DataError

from ...models import LogTargetModel
from ..estimator import REGRESSION, fit_quietly, prepare, require_sklearn, scale_ignored, unfitted


class LogTargetTrainer(Trainer):
    """Another trainer's regression of the logarithm of the target: for prices, times and counts, whose errors grow with them.

    Answers, intervals, metrics and packages are in the unit of the target, since the model itself goes back to it. None lies
    beyond the logarithms of the training rows by more than these span.
    """

    name = "log_target"
    extra = "sklearn"
    tasks = REGRESSION
    trainer: Trainer
    """The trainer of the regression: one that makes a scikit-learn model."""
    offset: Annotated[float, Ge(0)] = 0.0
    """Added before the logarithm, such as 1 where the target may be 0."""
    answers: Literal["mean", "median"] = "mean"
    """`mean`: what is expected, by Duan's smearing factor (1983), which makes up for what the logarithm does to errors; `median`:
    what half of such rows are below."""

    def __post_init__(self) -> None:
        require_sklearn(self.trainer, "only a SklearnModel is fitted to logarithms")
        if isinstance(self.trainer, LogTargetTrainer):
            raise ValueError("trainer 'log_target' takes logarithms already")
        if not self.trainer.tasks & REGRESSION:
            raise ValueError(f"trainer '{self.trainer.name}' learns classes, and only numbers have logarithms")

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def ignores_scale(self) -> str | None:
        """Say what the trainer that it is around does."""
        return scale_ignored(self.trainer)

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Fit to the logarithms, with the rows' weights; raises DataError where a number has none."""
        from sklearn.utils import get_tags

        from .estimators import LogTargetRegressor

        train = train.weighing()
        estimator = unfitted(self.trainer, self._logged(train), None if valid is None else self._logged(valid))
        takes = get_tags(estimator).input_tags
        X = prepare(self.name, train, takes_nan=takes.allow_nan, takes_sparse=takes.sparse)
        around = LogTargetRegressor(estimator, self.offset, self.answers == "mean")
        return LogTargetModel(fit_quietly(around, X, train.y, train.sample_weight), train.names)

    def _logged(self, rows: Features) -> Features:
        import numpy as np

        y: Any = rows.y
        beyond = int((y <= -self.offset).sum())
        if beyond:
            raise DataError(
                f"{beyond:,} rows have a target of {-self.offset:g} or less, which has no logarithm",
                hint="trainer.offset=1 adds 1 before it, or more where the target may be below 0",
            )
        return replace(rows, y=np.log(y + self.offset))
