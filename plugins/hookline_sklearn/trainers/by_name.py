"""Any other estimator of scikit-learn, by its class name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

from annotated_types import Interval

from hookline import Features, Roles, SklearnModel
from hookline.errors import ConfigError, Problem, closest

from ..models import model_of
from .estimator import EstimatorTrainer, fit_quietly, prepare
from .linear import UNPENALIZED
from .trees import SPLITS

MODULES = (
    "discriminant_analysis",
    "dummy",
    "ensemble",
    "gaussian_process",
    "linear_model",
    "naive_bayes",
    "neighbors",
    "neural_network",
    "svm",
    "tree",
)
"""scikit-learn modules whose estimators `sklearn` may build."""
MACHINES = ("NuSVC", "NuSVR", "SVC", "SVR")
"""Support vector machines that are more than a sum; `LinearSVC` is one."""


SCALELESS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *(
                "TreeClassifier",
                "TreeRegressor",
                "TreesClassifier",
                "TreesRegressor",
                "ForestClassifier",
                "ForestRegressor",
            ),
            *("BoostingClassifier", "BoostingRegressor", "AdaBoostClassifier", "AdaBoostRegressor"),
            *("BaggingClassifier", "BaggingRegressor"),
        ),
        SPLITS,
    ),
    "GaussianNB": "each feature is held against its own spread",
    "DiscriminantAnalysis": "distances are measured in the spread of the features",
    "LinearRegression": UNPENALIZED,
    "RANSACRegressor": UNPENALIZED,
    "BernoulliNB": "it asks whether a value is above 0",
    "DummyClassifier": "it looks at no feature",
    "DummyRegressor": "it looks at no feature",
}
"""Endings of the names of estimators that learn the same whatever features are multiplied by -> why."""


class SklearnTrainer(EstimatorTrainer):
    """Any other scikit-learn classifier or regressor, by its class name: `trainer.class_name=ExtraTreesClassifier`."""

    name = "sklearn"
    class_name: str
    """The estimator's class name; one of scikit-learn's own classifiers and regressors."""
    params: Mapping[str, str | int | float | bool | None] = dataclasses.field(default_factory=dict)
    """Its parameters, as scikit-learn names them."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed, where the estimator takes a `random_state` that `params` does not set."""

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say so of support vector machines, which PyTorch does not have."""
        return {"torch": "a support vector machine"} if self.class_name in MACHINES else {}

    def ignores_scale(self) -> str | None:
        """Say why no weight of a feature reaches some of them."""
        if self.class_name == "BernoulliNB" and self.params.get("binarize", 0.0) != 0:
            return None
        return next(
            (why for ending, why in SCALELESS.items() if self.class_name.removesuffix("CV").endswith(ending)), None
        )

    @property
    def settled(self) -> bool:
        """Whether `estimator` is what `fit` fits."""
        return type(self).fit is SklearnTrainer.fit

    def estimator(self, task: str) -> Any:
        """Return the estimator; raises ConfigError for an unknown class or parameter, or one for the other task."""
        from sklearn.base import is_regressor

        known = allowed_estimators()
        if self.class_name not in known:
            match = closest(self.class_name, known)
            told = f"; did you mean '{match}'?" if match else f" in sklearn.{', '.join(MODULES)}"
            _refuse("trainer.class_name", f"'{self.class_name}' is no classifier or regressor{told}")
        estimator = known[self.class_name]
        parameters = estimator().get_params()
        for name in self.params:
            if name not in parameters:
                match = closest(name, parameters)
                _refuse(f"trainer.params.{name}", "unknown parameter" + (f"; did you mean '{match}'?" if match else ""))
        seed = {"random_state": self.seed} if "random_state" in parameters else {}
        made = estimator(**{**seed, **self.params})
        if is_regressor(made) != (task == "regression"):
            _refuse("trainer.class_name", f"{self.class_name} cannot learn a {task} target")
        return made

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Fit on the training rows, with their weights.

        Raises DataError for missing values that the estimator cannot take, and ConfigError for a parameter that it refuses.
        """
        from sklearn.utils import get_tags
        from sklearn.utils._param_validation import InvalidParameterError

        train = train.weighing()
        estimator = self.estimator(train.target.task if train.target else "binary")
        takes = get_tags(estimator).input_tags
        X = prepare(self.name, train, takes_nan=takes.allow_nan, takes_sparse=takes.sparse)
        try:
            fitted = fit_quietly(estimator, X, train.y, train.sample_weight)
        except InvalidParameterError as error:
            _refuse_parameter(self.params, error)
        return model_of(fitted, train.names)


def allowed_estimators() -> dict[str, Any]:
    """Return class name -> class of scikit-learn's own classifiers and regressors that need no other estimator."""
    import importlib
    import inspect

    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    found = {}
    for name in MODULES:
        module = importlib.import_module(f"sklearn.{name}")
        # Not every module says what it makes public.
        for public in getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]:
            cls = getattr(module, public)
            plain = (
                inspect.isclass(cls)
                and issubclass(cls, BaseEstimator)
                and issubclass(cls, (ClassifierMixin, RegressorMixin))
            )
            if plain and not inspect.isabstract(cls) and not _needs_arguments(cls):
                found[public] = cls
    return found


def _needs_arguments(cls: Any) -> bool:
    import inspect

    parameters = inspect.signature(cls.__init__).parameters.values()
    return any(p.default is p.empty and p.name != "self" and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)


def _refuse_parameter(params: Mapping[str, Any], error: ValueError) -> NoReturn:
    """Raise ConfigError at the parameter that scikit-learn names, or the error where nobody has set that one."""
    import re

    said = re.match(r"The '(\w+)' parameter of \w+ (must .*)", str(error), re.DOTALL)
    if said is None or said[1] not in params:
        raise error
    _refuse(f"trainer.params.{said[1]}", said[2].replace(". Got ", ", got ").removesuffix(" instead."))


def _refuse(path: str, message: str) -> NoReturn:
    raise ConfigError("bad config for trainer 'sklearn'", [Problem(path, message)])
