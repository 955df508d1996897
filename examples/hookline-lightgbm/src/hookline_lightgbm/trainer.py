"""The trainer `lightgbm.gbm`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

from hookline import Features, Trainer, report_step
from hookline.errors import DataError

from .model import GbmModel


class GbmTrainer(Trainer):
    """Gradient-boosted trees by LightGBM, grown leaf by leaf (Ke et al., 2017); missing values need no imputing."""

    name = "lightgbm.gbm"
    only_for: ClassVar = {"objective": frozenset({"regression"}), "class_weight": frozenset({"binary", "multiclass"})}
    n_estimators: Annotated[int, Gt(0)] = 100
    """Most boosting rounds (for several classes: rounds of one tree a class)."""
    learning_rate: Annotated[float, Gt(0)] = 0.1
    """Share of each tree's answer that is added."""
    num_leaves: Annotated[int, Interval(gt=1, le=131072)] = 31
    """Most leaves of a tree: the main handle on its complexity."""
    max_depth: Annotated[int, Gt(0)] | None = None
    """Most levels of a tree; null sets no limit."""
    min_child_samples: Annotated[int, Ge(0)] = 20
    """Fewest training rows in a leaf."""
    min_child_weight: Annotated[float, Ge(0)] = 1e-3
    """Smallest sum of hessians in a leaf."""
    subsample: Annotated[float, Interval(gt=0, le=1)] = 1.0
    """Share of rows that each tree sees."""
    colsample_bytree: Annotated[float, Interval(gt=0, le=1)] = 1.0
    """Share of features that each tree sees."""
    reg_alpha: Annotated[float, Ge(0)] = 0.0
    """Strength of the L1 penalty on leaves."""
    reg_lambda: Annotated[float, Ge(0)] = 0.0
    """Strength of the L2 penalty on leaves."""
    max_bin: Annotated[int, Gt(1)] = 255
    """Most bins of a feature."""
    objective: Literal["auto", "regression_l1", "huber", "quantile"] = "auto"
    """What is minimized: `auto` is log loss or squared error, the others are for numbers only."""
    class_weight: Literal["balanced"] | None = None
    """`balanced` weighs each class by the inverse of its frequency; classification only."""
    early_stopping_rounds: Annotated[int, Gt(0)] | None = 20
    """Rounds without gain on the validation rows (`split.valid`) before training stops; without such rows none is left out."""
    n_jobs: Annotated[int, Gt(0)] = 1
    """Threads. The trees are the same whatever the number."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the rows and features drawn for each tree."""

    def ignores_scale(self) -> str | None:
        """Say why no weight of a feature reaches it."""
        return "splits of trees do not change with scale"

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("lightgbm",)

    def fit(self, train: Features, valid: Features | None) -> GbmModel:
        """Fit with the rows' weights, stopping on the validation rows; raises DataError for an objective of another task."""
        import lightgbm

        assert train.target is not None
        task = train.target.task
        if self.objective != "auto" and task != "regression":
            raise DataError(
                f"trainer.objective={self.objective} is for numbers, and the target '{train.target.name}' is {task}",
                hint="trainer.objective=auto",
            )
        learn = lightgbm.Dataset(train.X, train.y, weight=self._weights(train), params={"verbosity": -1})
        callbacks: list[Callable[..., Any]] = []
        held = []
        if valid is not None:
            held = [lightgbm.Dataset(valid.X, valid.y, weight=self._weights(valid), reference=learn)]
            callbacks = [_report]
        if held and self.early_stopping_rounds:
            callbacks.append(lightgbm.early_stopping(self.early_stopping_rounds, verbose=False))
        booster = lightgbm.train(
            self._parameters(task, len(train.target.classes)),
            learn,
            num_boost_round=self.n_estimators,
            valid_sets=held,
            callbacks=callbacks,
        )
        # Trees after the best round are of no use, so the model, its importances and its ONNX graph do without them.
        text = booster.model_to_string(num_iteration=booster.best_iteration or -1)
        return GbmModel(text, task, max(1, len(train.target.classes)), train.names)

    def _parameters(self, task: str, classes: int) -> dict[str, Any]:
        usual = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}[task]
        return {
            "objective": usual if self.objective == "auto" else self.objective,
            **({"num_class": classes} if task == "multiclass" else {}),
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "max_depth": self.max_depth or -1,
            "min_data_in_leaf": self.min_child_samples,
            "min_sum_hessian_in_leaf": self.min_child_weight,
            "bagging_fraction": self.subsample,
            "bagging_freq": int(self.subsample < 1),
            "feature_fraction": self.colsample_bytree,
            "lambda_l1": self.reg_alpha,
            "lambda_l2": self.reg_lambda,
            "max_bin": self.max_bin,
            "num_threads": self.n_jobs,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def _weights(self, features: Features) -> Any:
        """Return the rows' weights times those of their classes, or None where all are equal."""
        import numpy as np

        weight = features.sample_weight
        if self.class_weight is None or features.target is None or features.target.task == "regression":
            return weight
        codes: Any = features.y
        counts = np.bincount(codes, minlength=len(features.target.classes))
        balanced = len(codes) / (len(counts) * np.maximum(counts, 1))
        return balanced[codes] if weight is None else balanced[codes] * weight


def _report(round_: Any) -> None:
    """Report what LightGBM measured on the validation rows; a sweep may stop the training there."""
    _, metric, value, greater_is_better, *_ = round_.evaluation_result_list[0]
    report_step(round_.iteration + 1, value, name=metric, greater_is_better=greater_is_better)
