"""scikit-learn: bundled data, trainers, metrics, and the skops and pickle packagers."""

from __future__ import annotations

from hookline import Evaluator, Packager, Source, Trainer, hookimpl

from .evaluators.standard import ClassificationEvaluator, RegressionEvaluator, StandardEvaluator
from .packagers import PicklePackager, SkopsPackager
from .sources import BreastCancerSource, DiabetesSource, DigitsSource, IrisSource, WineSource
from .trainers import (
    DecisionTreeTrainer,
    HistGradientBoostingTrainer,
    LinearRegressionTrainer,
    LogisticRegressionTrainer,
    RandomForestTrainer,
    RidgeTrainer,
    SklearnTrainer,
)

__all__ = [
    "BreastCancerSource",
    "ClassificationEvaluator",
    "DecisionTreeTrainer",
    "DiabetesSource",
    "DigitsSource",
    "HistGradientBoostingTrainer",
    "IrisSource",
    "LinearRegressionTrainer",
    "LogisticRegressionTrainer",
    "PicklePackager",
    "RandomForestTrainer",
    "RegressionEvaluator",
    "RidgeTrainer",
    "SklearnTrainer",
    "SkopsPackager",
    "StandardEvaluator",
    "WineSource",
]


@hookimpl
def register_sources() -> list[type[Source]]:
    """Return the bundled data sets."""
    return [BreastCancerSource, DiabetesSource, DigitsSource, IrisSource, WineSource]


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    """Return the trainers."""
    return [
        DecisionTreeTrainer,
        HistGradientBoostingTrainer,
        LinearRegressionTrainer,
        LogisticRegressionTrainer,
        RandomForestTrainer,
        RidgeTrainer,
        SklearnTrainer,
    ]


@hookimpl
def register_evaluators() -> list[type[Evaluator]]:
    """Return the evaluators."""
    return [ClassificationEvaluator, RegressionEvaluator, StandardEvaluator]


@hookimpl
def register_packagers() -> list[type[Packager]]:
    """Return the packagers."""
    return [PicklePackager, SkopsPackager]
