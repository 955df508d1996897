"""The trainer `xgboost.boost`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Gt, Interval

from hookline import Features, Trainer

from .model import BoostModel

if TYPE_CHECKING:
    import xgboost


class BoostTrainer(Trainer):
    """Gradient-boosted trees by XGBoost (Chen and Guestrin, 2016); missing values need no imputing.

    What it measures on validation rows (`split.valid`) after each round is reported, so that a search may prune it. The same
    seed on the same machine gives the same trees, with as many threads.
    """

    name = "xgboost.boost"
    n_estimators: Annotated[int, Gt(0)] = 100
    """Most boosting rounds (for several classes: rounds of one tree a class)."""
    learning_rate: Annotated[float, Gt(0)] = 0.3
    """Share of each tree's answer that is added."""
    max_depth: Annotated[int, Gt(0)] = 6
    """Most levels of a tree: the main handle on its complexity."""
    min_child_weight: Annotated[float, Ge(0)] = 1.0
    """Smallest sum of hessians in a leaf."""
    gamma: Annotated[float, Ge(0)] = 0.0
    """Smallest gain that is worth a split."""
    subsample: Annotated[float, Interval(gt=0, le=1)] = 1.0
    """Share of rows that each tree sees."""
    colsample_bytree: Annotated[float, Interval(gt=0, le=1)] = 1.0
    """Share of features that each tree sees."""
    reg_alpha: Annotated[float, Ge(0)] = 0.0
    """Strength of the L1 penalty on leaves."""
    reg_lambda: Annotated[float, Ge(0)] = 1.0
    """Strength of the L2 penalty on leaves."""
    max_bin: Annotated[int, Gt(1)] = 256
    """Most bins of a feature."""
    early_stopping_rounds: Annotated[int, Gt(0)] | None = 20
    """Rounds without gain on the validation rows before training stops; without such rows none is left out."""
    n_jobs: Annotated[int, Gt(0)] = 1
    """Threads."""
    seed: Annotated[int, Interval(ge=0, lt=2**31)] = 0
    """Seed of the rows and features drawn for each tree."""

    def ignores_scale(self) -> str | None:
        """Say why no weight of a feature reaches it."""
        return "splits of trees do not change with scale"

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("xgboost",)

    def fit(self, train: Features, valid: Features | None) -> BoostModel:
        """Fit with the rows' weights, stopping on the validation rows."""
        import xgboost

        from .steps import ReportRounds

        assert train.target is not None
        task, classes = train.target.task, len(train.target.classes)
        base = _base_of(train)
        held = [] if valid is None else [(self._matrix(valid), "valid")]
        callbacks: list[xgboost.callback.TrainingCallback] = [ReportRounds()] if held else []
        if held and self.early_stopping_rounds:
            callbacks.append(xgboost.callback.EarlyStopping(rounds=self.early_stopping_rounds, save_best=True))
        booster = xgboost.train(
            self._parameters(task, classes) | {"base_score": base},
            self._matrix(train),
            num_boost_round=self.n_estimators,
            evals=held,
            callbacks=callbacks,
            verbose_eval=False,
        )
        text = booster.save_raw("json").decode("utf-8")
        return BoostModel(text, task, max(1, classes), train.names, base)

    def _parameters(self, task: str, classes: int) -> dict[str, Any]:
        objective = {"binary": "binary:logistic", "multiclass": "multi:softprob", "regression": "reg:squarederror"}
        names = ("learning_rate", "max_depth", "min_child_weight", "gamma", "subsample", "colsample_bytree")
        return {
            **{name: getattr(self, name) for name in (*names, "reg_alpha", "reg_lambda", "max_bin", "seed")},
            **({"num_class": classes} if task == "multiclass" else {}),
            "objective": objective[task],
            "tree_method": "hist",
            "nthread": self.n_jobs,
            "verbosity": 0,
        }

    def _matrix(self, features: Features) -> xgboost.DMatrix:
        """Return rows as XGBoost takes them; to it what a sparse matrix leaves out would be missing, so it gets none."""
        import xgboost

        return xgboost.DMatrix(features.dense(), features.y, weight=features.sample_weight, nthread=self.n_jobs)


def _base_of(train: Features) -> float:
    """Return what the trees are added to: the mean of numbers, or even chances."""
    import numpy as np

    if train.target is None or train.target.task != "regression":
        return 0.5
    y: Any = train.y
    return float(np.float32(np.average(y, weights=train.sample_weight)))
