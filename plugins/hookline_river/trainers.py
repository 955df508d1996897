"""River's learners as trainers: they learn row by row, and go on from a model with the rows that come later."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from annotated_types import Ge, Gt, Interval

from hookline import Features, Trainer
from hookline.data.learnable import relative_weights, require_finite, require_like, standard_of, truth_of
from hookline.errors import DataError

from .learning import Rows, teach
from .models import RiverLinearModel, RiverModel

if TYPE_CHECKING:
    import numpy as np

Made = TypeVar("Made", bound=RiverModel)
HEAVIEST = 100.0
"""How many times the mean weight a row counts at most: a forest draws as many random numbers as a row weighs."""
LEAVES = {
    "adaptive": ("nba", "adaptive"),
    "model": ("nb", "model"),
    "mean": ("mc", "mean"),
}
"""What leaves answer with -> river's word for classes, and for numbers."""


class RiverTrainer(Trainer):
    """What all share: the order of the rows, the passes over them, and `update`, which is one more pass."""

    extra = "river"
    shuffle: bool = True
    """Whether the training rows are learned in random order; false where their order is that of time. Updates keep theirs."""
    passes: Annotated[int, Gt(0)] = 1
    """Passes over the training rows; the prequential figure is of the first."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed of the rows' order, and of whatever the learner draws."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("river",)

    def learner(self, task: str, features: int) -> Any:
        """Return river's own object, which has learned nothing."""
        raise NotImplementedError

    def _fitted(self, model: RiverModel, train: Features) -> None:
        import numpy as np

        order = np.arange(train.shape[0])
        if self.shuffle:
            order = np.random.default_rng(self.seed).permutation(order)
        teach(self.name, model, self._rows(model, train, order), self.passes, tell=True)

    def _further(self, model: Made, batch: Features) -> Made:
        """Return another model after one pass over a batch, in its order."""
        import numpy as np

        self._require_fitting(model, batch)
        newer, batch = copy.deepcopy(model), batch.weighing()
        teach(self.name, newer, self._rows(newer, batch, np.arange(batch.shape[0])), 1, tell=False)
        return newer

    def _rows(self, model: RiverModel, features: Features, order: np.ndarray) -> Rows:
        import numpy as np

        y = np.asarray(truth_of(self.name, features), dtype=np.float64)
        require_finite(self.name, features)
        return Rows(features.X, (y - model.center) / model.scale, _weights(self.name, features), order)

    def _require_fitting(self, model: RiverModel, batch: Features) -> None:
        wanted = type(self.learner("multiclass" if model.classes else "regression", len(model.feature_names)))
        if not isinstance(model, RiverModel) or type(model.learners[0]) is not wanted:
            made = type(model.learners[0]).__name__ if isinstance(model, RiverModel) else type(model).__name__
            raise DataError(
                f"trainer '{self.name}' goes on from its own models, and this is a {made}",
                hint="update with the trainer that made the model",
            )
        require_like(batch, model.feature_names, range(model.classes))


class RiverLinearTrainer(RiverTrainer):
    """What the two linear ones share: the optimizer and its steps."""

    optimizer: Literal["sgd", "adam", "ada_grad"] = "sgd"
    """`adam` and `ada_grad` fit the step to each feature; what they have learned of it stays with the model."""
    learning_rate: Annotated[float, Gt(0)] = 0.03
    """Size of the steps."""
    intercept_lr: Annotated[float, Ge(0)] = 0.03
    """Size of the intercept's steps, which the optimizer does not fit."""
    l2: Annotated[float, Ge(0)] = 0.0
    """Strength of the L2 penalty."""
    passes: Annotated[int, Gt(0)] = 5
    """Passes over the training rows; the prequential figure is of the first."""

    def fit(self, train: Features, valid: Features | None) -> RiverLinearModel:
        """Learn row by row, telling the loss of rows that are not learned yet; raises DataError for gaps and divergence."""
        train = train.weighing()
        classes, (center, scale) = _classes_of(train), standard_of(train)
        learners = tuple(self.learner("", len(train.names)) for _ in range(classes if classes > 2 else 1))
        model = RiverLinearModel(learners, train.names, classes, center, scale)
        self._fitted(model, train)
        return model

    def update(self, model: RiverLinearModel, batch: Features) -> RiverLinearModel:
        """Return another model after one pass over `batch`, in its order; the given one stays as it was.

        batch: labeled, of the model's own features; weights count relative to each other
        Raises DataError for other features, classes that the model never saw, gaps, and a model of another trainer.
        """
        return self._further(model, batch)

    def _options(self) -> dict[str, Any]:
        from river import optim

        made = {"sgd": optim.SGD, "adam": optim.Adam, "ada_grad": optim.AdaGrad}
        return {"optimizer": made[self.optimizer](self.learning_rate), "intercept_lr": self.intercept_lr, "l2": self.l2}


class RiverLogisticTrainer(RiverLinearTrainer):
    """A logistic regression that learns row by row (river), of more than two classes one a class against the rest.

    Features should be scaled (`featurizer.tabular.numeric=standard`). `update` goes on from a fitted model, the optimizer's state
    included. Each training row is answered before it is learned, which the report shows as a curve (prequential).
    """

    name = "river_logistic"
    tasks = frozenset({"binary", "multiclass"})

    def learner(self, task: str, features: int) -> Any:
        """Return river's LogisticRegression."""
        from river.linear_model import LogisticRegression

        return LogisticRegression(**self._options())


class RiverRegressionTrainer(RiverLinearTrainer):
    """A linear regression that learns row by row (river).

    Features should be scaled (`featurizer.tabular.numeric=standard`). `update` goes on from a fitted model, the optimizer's state
    included. Each training row is answered before it is learned, which the report shows as a curve (prequential).
    """

    name = "river_regression"
    tasks = frozenset({"regression"})
    learning_rate: Annotated[float, Gt(0)] = 0.005
    """Size of the steps."""
    intercept_lr: Annotated[float, Ge(0)] = 0.005
    """Size of the intercept's steps, which the optimizer does not fit."""

    def learner(self, task: str, features: int) -> Any:
        """Return river's LinearRegression."""
        from river.linear_model import LinearRegression

        return LinearRegression(**self._options())


class RiverTreeTrainer(RiverTrainer):
    """What tree and forest share: when a leaf is divided, what it answers with, and how large it all may become."""

    grace_period: Annotated[int, Gt(0)] = 200
    """Rows that a leaf sees between two looks at whether to divide it."""
    delta: Annotated[float, Interval(gt=0, lt=1)] = 1e-7
    """Chance that a division is not the best (the Hoeffding bound); smaller waits for more rows."""
    tau: Annotated[float, Interval(ge=0, le=1)] = 0.05
    """Bound under which two divisions are as good as each other, and one is taken."""
    max_depth: Annotated[int, Interval(ge=1, le=100)] = 20
    """Most divisions between the root and a leaf."""
    leaf_prediction: Literal["adaptive", "model", "mean"] = "adaptive"
    """`mean` is the commonest class or the mean, `model` naive Bayes or a linear regression, `adaptive` the better one."""
    radius: Annotated[float, Gt(0)] = 0.25
    """Of numbers: the width of the bins that divisions lie between, in the unit of the features."""
    max_size: Annotated[float, Gt(0)] = 100.0
    """MiB that the trees may grow to, all together; the leaves that promise least stop learning beyond it."""

    def ignores_scale(self) -> str | None:
        """Say why no weight of a feature reaches it."""
        return "divisions of trees do not change with scale"

    def fit(self, train: Features, valid: Features | None) -> RiverModel:
        """Learn row by row, telling the loss of rows that are not learned yet; raises DataError for missing values."""
        train = train.weighing()
        classes, (center, scale) = _classes_of(train), standard_of(train)
        made = self.learner("multiclass" if classes else "regression", len(train.names))
        model = RiverModel((made,), train.names, classes, center, scale)
        self._fitted(model, train)
        return model

    def update(self, model: RiverModel, batch: Features) -> RiverModel:
        """Return another model after one pass over `batch`, in its order; the given one stays as it was.

        batch: labeled, of the model's own features; weights count relative to each other
        Raises DataError for other features, classes that the model never saw, gaps, and a model of another trainer.
        """
        return self._further(model, batch)

    def _options(self, task: str, trees: int = 1) -> dict[str, Any]:
        from river.tree.splitter import QOSplitter

        # River's own trees of values would be copied and pickled level by level, and are as deep as sorted rows are many.
        splitter = {"splitter": QOSplitter(self.radius)} if task == "regression" else {}
        return {
            "grace_period": self.grace_period,
            "delta": self.delta,
            "tau": self.tau,
            "max_depth": self.max_depth,
            "leaf_prediction": LEAVES[self.leaf_prediction][task == "regression"],
            "max_size": self.max_size / trees,
            **splitter,
        }


class HoeffdingTreeTrainer(RiverTreeTrainer):
    """A decision tree that learns row by row (river): a leaf is divided once enough rows say that it is worth it.

    Domingos and Hulten, 2000, "Mining high-speed data streams". Features should be scaled for numbers to predict
    (`featurizer.tabular.numeric=standard`). `update` goes on from a fitted tree. Each training row is answered before it is
    learned, which the report shows as a curve (prequential).
    """

    name = "hoeffding_tree"

    def learner(self, task: str, features: int) -> Any:
        """Return a HoeffdingTreeClassifier, or a HoeffdingTreeRegressor."""
        from river.tree import HoeffdingTreeClassifier, HoeffdingTreeRegressor

        made = HoeffdingTreeRegressor if task == "regression" else HoeffdingTreeClassifier
        return made(**self._options(task))


class AdaptiveRandomForestTrainer(RiverTreeTrainer):
    """A forest of Hoeffding trees (river), of which those are replaced whose errors rise: for relations that change.

    Gomes and others, 2017, "Adaptive random forests for evolving data stream classification". Rows in order of time need
    `shuffle=false`. Features should be scaled for numbers to predict (`featurizer.tabular.numeric=standard`). `update` goes on
    from a fitted forest. Each training row is answered before it is learned, which the report shows as a curve (prequential).
    """

    name = "adaptive_random_forest"
    n_models: Annotated[int, Gt(0)] = 10
    """Trees."""
    max_features: Literal["sqrt", "log2"] | Annotated[float, Interval(gt=0, le=1)] = "sqrt"
    """Features that a leaf looks at: the root or the logarithm of their number, or a share of them."""
    lambda_value: Annotated[int, Gt(0)] = 6
    """How often a tree takes a row in, on average (online bagging)."""
    drift_delta: Annotated[float, Interval(gt=0, lt=1)] = 0.001
    """Chance of a false alarm at which ADWIN replaces a tree."""
    warning_delta: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """Chance of a false alarm at which ADWIN lets another tree grow behind it."""
    grace_period: Annotated[int, Gt(0)] = 50
    """Rows that a leaf sees between two looks at whether to divide it."""
    delta: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    """Chance that a division is not the best (the Hoeffding bound); smaller waits for more rows."""

    def learner(self, task: str, features: int) -> Any:
        """Return an ARFClassifier, or an ARFRegressor."""
        from river.drift import ADWIN
        from river.forest import ARFClassifier, ARFRegressor

        made: Any = ARFRegressor if task == "regression" else ARFClassifier
        return made(
            n_models=self.n_models,
            max_features=self.max_features,
            lambda_value=self.lambda_value,
            drift_detector=ADWIN(self.drift_delta),
            warning_detector=ADWIN(self.warning_delta),
            seed=self.seed,
            # A tree that grows behind another counts as well.
            **self._options(task, 2 * self.n_models),
        )


def _weights(trainer: str, features: Features) -> np.ndarray:
    """Return how often each row counts, float64 (n_rows,), 1 on average; raises DataError as `relative_weights` does."""
    import numpy as np

    shares = relative_weights(trainer, features.sample_weight)
    return np.ones(features.shape[0]) if shares is None else shares.clip(max=HEAVIEST)


def _classes_of(train: Features) -> int:
    """Return how many classes there are, 0 of numbers."""
    assert train.target is not None
    return 0 if train.target.task == "regression" else len(train.target.classes)
