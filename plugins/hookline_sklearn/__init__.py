"""scikit-learn: bundled data, selection, trainers, metrics, importances, monitors, and the skops and pickle packagers."""

from __future__ import annotations

import os

from hookline import Evaluator, Featurizer, Monitor, Packager, Source, Trainer, hookimpl

from .evaluators.fairness import FairnessEvaluator
from .evaluators.further import DeviancesEvaluator, RankingEvaluator
from .evaluators.permutation import PermutationImportanceEvaluator
from .evaluators.slices.evaluator import SlicesEvaluator
from .evaluators.standard import ClassificationEvaluator, RegressionEvaluator, StandardEvaluator
from .evaluators.troubles import RobustnessEvaluator, WorstRowsEvaluator
from .featurizers.select import SelectFeaturizer
from .monitors.covariate import CovariateShiftMonitor
from .monitors.quality import ModelDriftMonitor
from .monitors.slices import SlicesMonitor
from .packagers import PicklePackager, SkopsPackager
from .sources import BreastCancerSource, DiabetesSource, DigitsSource, IrisSource, WineSource
from .trainers.automatic import AutoTrainer
from .trainers.banded import QuantileBandTrainer
from .trainers.by_name import SklearnTrainer
from .trainers.calibrated import CalibratedTrainer
from .trainers.classical import NaiveBayesTrainer, NeighborsTrainer, SvmTrainer
from .trainers.combined import StackingTrainer, VotingTrainer
from .trainers.linear import (
    ElasticNetTrainer,
    LassoTrainer,
    LinearRegressionTrainer,
    LogisticRegressionTrainer,
    QuantileRegressionTrainer,
    RidgeTrainer,
)
from .trainers.perceptron import SklearnMlpTrainer
from .trainers.sgd import SgdClassifierTrainer, SgdRegressorTrainer
from .trainers.trees import (
    DecisionTreeTrainer,
    ExtraTreesTrainer,
    GradientBoostingTrainer,
    HistGradientBoostingTrainer,
    RandomForestTrainer,
)

__all__ = [
    "AutoTrainer",
    "BreastCancerSource",
    "CalibratedTrainer",
    "ClassificationEvaluator",
    "CovariateShiftMonitor",
    "DecisionTreeTrainer",
    "DeviancesEvaluator",
    "DiabetesSource",
    "DigitsSource",
    "ElasticNetTrainer",
    "ExtraTreesTrainer",
    "FairnessEvaluator",
    "GradientBoostingTrainer",
    "HistGradientBoostingTrainer",
    "IrisSource",
    "LassoTrainer",
    "LinearRegressionTrainer",
    "LogisticRegressionTrainer",
    "ModelDriftMonitor",
    "NaiveBayesTrainer",
    "NeighborsTrainer",
    "PermutationImportanceEvaluator",
    "PicklePackager",
    "QuantileBandTrainer",
    "QuantileRegressionTrainer",
    "RandomForestTrainer",
    "RankingEvaluator",
    "RegressionEvaluator",
    "RidgeTrainer",
    "RobustnessEvaluator",
    "SelectFeaturizer",
    "SgdClassifierTrainer",
    "SgdRegressorTrainer",
    "SklearnMlpTrainer",
    "SklearnTrainer",
    "SkopsPackager",
    "SlicesEvaluator",
    "SlicesMonitor",
    "StackingTrainer",
    "StandardEvaluator",
    "SvmTrainer",
    "VotingTrainer",
    "WineSource",
    "WorstRowsEvaluator",
]

# The threads of OpenMP that scikit-learn brings burn a core while they wait for each other. Where cores are shared or rationed,
# as in a container, boosted trees take up to thirty times as long. Read when scikit-learn is loaded; the user's own word stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@hookimpl
def register_sources() -> list[type[Source]]:
    """Return the bundled data sets."""
    return [BreastCancerSource, DiabetesSource, DigitsSource, IrisSource, WineSource]


@hookimpl
def register_featurizers() -> list[type[Featurizer]]:
    """Return the selection."""
    return [SelectFeaturizer]


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    """Return the trainers."""
    return [
        AutoTrainer,
        CalibratedTrainer,
        DecisionTreeTrainer,
        ElasticNetTrainer,
        ExtraTreesTrainer,
        GradientBoostingTrainer,
        HistGradientBoostingTrainer,
        LassoTrainer,
        LinearRegressionTrainer,
        LogisticRegressionTrainer,
        NaiveBayesTrainer,
        NeighborsTrainer,
        QuantileBandTrainer,
        QuantileRegressionTrainer,
        RandomForestTrainer,
        RidgeTrainer,
        SgdClassifierTrainer,
        SgdRegressorTrainer,
        SklearnMlpTrainer,
        SklearnTrainer,
        StackingTrainer,
        SvmTrainer,
        VotingTrainer,
    ]


@hookimpl
def register_evaluators() -> list[type[Evaluator]]:
    """Return the evaluators."""
    return [
        ClassificationEvaluator,
        DeviancesEvaluator,
        FairnessEvaluator,
        PermutationImportanceEvaluator,
        RankingEvaluator,
        RegressionEvaluator,
        RobustnessEvaluator,
        SlicesEvaluator,
        StandardEvaluator,
        WorstRowsEvaluator,
    ]


@hookimpl
def register_packagers() -> list[type[Packager]]:
    """Return the packagers."""
    return [PicklePackager, SkopsPackager]


@hookimpl
def register_monitors() -> list[type[Monitor]]:
    """Return the monitors."""
    return [CovariateShiftMonitor, ModelDriftMonitor, SlicesMonitor]
