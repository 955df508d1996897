"""scikit-learn: bundled data, selection, trainers, metrics, importances, monitors, and the skops and pickle packagers."""

from __future__ import annotations

import os

from hookline import Evaluator, Featurizer, Monitor, Packager, Source, Trainer, Transform, hookimpl

from .evaluators.fairness import FairnessEvaluator
from .evaluators.further import DeviancesEvaluator, RankingEvaluator
from .evaluators.permutation import PermutationImportanceEvaluator
from .evaluators.slices.evaluator import SlicesEvaluator
from .evaluators.standard import ClassificationEvaluator, RegressionEvaluator, StandardEvaluator
from .evaluators.troubles import RobustnessEvaluator, WorstRowsEvaluator
from .featurizers.by_name import SklearnFeaturizer
from .featurizers.select import SelectFeaturizer
from .monitors.covariate import CovariateShiftMonitor
from .monitors.quality import ModelDriftMonitor
from .monitors.slices import SlicesMonitor
from .packagers import PicklePackager, SkopsPackager
from .sources import BreastCancerSource, DiabetesSource, DigitsSource, IrisSource, WineSource
from .trainers.around.balanced import BalancedTrainer
from .trainers.around.log_target import LogTargetTrainer
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
from .transforms.isolation import DropIsolatedTransform, IsolatedTransform
from .transforms.iterative import ImputeIterativeTransform
from .transforms.neighbors import ImputeNeighborsTransform
from .transforms.resample import ResampleTransform

__all__ = [
    "AutoTrainer",
    "BalancedTrainer",
    "BreastCancerSource",
    "CalibratedTrainer",
    "ClassificationEvaluator",
    "CovariateShiftMonitor",
    "DecisionTreeTrainer",
    "DeviancesEvaluator",
    "DiabetesSource",
    "DigitsSource",
    "DropIsolatedTransform",
    "ElasticNetTrainer",
    "ExtraTreesTrainer",
    "FairnessEvaluator",
    "GradientBoostingTrainer",
    "HistGradientBoostingTrainer",
    "ImputeIterativeTransform",
    "ImputeNeighborsTransform",
    "IrisSource",
    "IsolatedTransform",
    "LassoTrainer",
    "LinearRegressionTrainer",
    "LogTargetTrainer",
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
    "ResampleTransform",
    "RidgeTrainer",
    "RobustnessEvaluator",
    "SelectFeaturizer",
    "SgdClassifierTrainer",
    "SgdRegressorTrainer",
    "SklearnFeaturizer",
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
def register_transforms() -> list[type[Transform]]:
    """Return the transforms."""
    return [
        DropIsolatedTransform,
        ImputeIterativeTransform,
        ImputeNeighborsTransform,
        IsolatedTransform,
        ResampleTransform,
    ]


@hookimpl
def register_featurizers() -> list[type[Featurizer]]:
    """Return what stands after another featurizer."""
    return [SelectFeaturizer, SklearnFeaturizer]


@hookimpl
def register_trainers() -> list[type[Trainer]]:
    """Return the trainers."""
    return [
        AutoTrainer,
        BalancedTrainer,
        CalibratedTrainer,
        DecisionTreeTrainer,
        ElasticNetTrainer,
        ExtraTreesTrainer,
        GradientBoostingTrainer,
        HistGradientBoostingTrainer,
        LassoTrainer,
        LinearRegressionTrainer,
        LogTargetTrainer,
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
