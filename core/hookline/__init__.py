"""hookline: from raw data to a watched model, through one typed plugin contract."""

from .api import compare, evaluate, features, load, plan, profile, run, why
from .kinds.artifacts import Dataset, Feature, Features, Prediction, Roles, Schema, Split, Target
from .kinds.capabilities import (
    AnswersAsServed,
    DropsRepeats,
    Explains,
    ExportsOnnx,
    Fleet,
    LimitedInOnnx,
    PredictsRows,
    ReadsOn,
    Serves,
    SplitsAt,
    Stored,
    TakesContract,
    Updatable,
)
from .kinds.component import Component, Settings
from .kinds.deployments import Deployment, Histogram, Package, Route, Seen, ServeOptions, Trust
from .kinds.fitted import FittedFeaturizer, FittedTransform, Limit, Model, Predictor
from .kinds.fitting import checkpoint_folder, report_step
from .kinds.hooks import hookimpl
from .kinds.kinds import Deployer, Evaluator, Featurizer, Monitor, Packager, Source, Trainer, Transform
from .kinds.reports import (
    Chart,
    ColumnProfile,
    Explanation,
    Finding,
    Metric,
    Metrics,
    Profile,
    Reference,
    Report,
    Table,
)
from .kinds.scored import Scored
from .kinds.sklearn_model import SklearnModel
from .packages.pipeline import Pipeline
from .runs.result import Run
from .version import __version__

__all__ = [
    "AnswersAsServed",
    "Chart",
    "ColumnProfile",
    "Component",
    "Dataset",
    "Deployer",
    "Deployment",
    "DropsRepeats",
    "Evaluator",
    "Explains",
    "Explanation",
    "ExportsOnnx",
    "Feature",
    "Features",
    "Featurizer",
    "Finding",
    "FittedFeaturizer",
    "FittedTransform",
    "Fleet",
    "Histogram",
    "Limit",
    "LimitedInOnnx",
    "Metric",
    "Metrics",
    "Model",
    "Monitor",
    "Package",
    "Packager",
    "Pipeline",
    "Prediction",
    "Predictor",
    "PredictsRows",
    "Profile",
    "ReadsOn",
    "Reference",
    "Report",
    "Roles",
    "Route",
    "Run",
    "Schema",
    "Scored",
    "Seen",
    "ServeOptions",
    "Serves",
    "Settings",
    "SklearnModel",
    "Source",
    "Split",
    "SplitsAt",
    "Stored",
    "Table",
    "TakesContract",
    "Target",
    "Trainer",
    "Transform",
    "Trust",
    "Updatable",
    "__version__",
    "checkpoint_folder",
    "compare",
    "evaluate",
    "features",
    "hookimpl",
    "load",
    "plan",
    "profile",
    "report_step",
    "run",
    "why",
]
