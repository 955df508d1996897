# Where each public name lives; `__init__.py` imports it when it is first asked for.
from .api import (
    collect,
    contract,
    evaluate,
    features,
    load,
    monitor,
    plan,
    profile,
    register,
    run,
    runs,
    serve,
    sweep,
    update,
    why,
)
from .data.functions.making import as_transform
from .kinds.answering.rules import DecisionRule, Intervals, PredictionSets
from .kinds.artifacts import Dataset, Feature, Features, Roles, Schema, Split, Target, TextRules
from .kinds.capabilities import (
    AnswersAlone,
    AnswersWith,
    Approximates,
    Decides,
    DropsRepeats,
    Explains,
    ExportsOnnx,
    LimitedInOnnx,
    MeasuresAsSet,
    NeedsMore,
    NeedsOpset,
    PredictsRows,
    ReadsAlike,
    ReadsOn,
    RefusesParts,
    Selects,
    SplitsAt,
    TakesContract,
    TellsSets,
    Updatable,
    Varies,
    WorksBeside,
)
from .kinds.component import Component, Settings
from .kinds.deployments import Deployment, Histogram, Package, Route, Seen, ServeOptions, Traffic, Trust
from .kinds.features.sets import FeatureSet, FeatureTest
from .kinds.features.telling import AddsColumns, Derived
from .kinds.features.weights import EmbedsCategories, IgnoresScale, WeighsFeatures
from .kinds.fitted import (
    FittedFeaturizer,
    FittedTransform,
    Limit,
    Model,
    PickledModel,
    Prediction,
    Predictor,
    Stored,
)
from .kinds.fitting import checkpoint_folder, report_finding, report_step
from .kinds.formats.words import LacksWords, Speaks
from .kinds.given.secrets import Secret
from .kinds.hooks import Alert, ModelInfo, PageOptions, RunInfo, StageInfo, hookimpl
from .kinds.kinds import Deployer, Evaluator, Featurizer, Monitor, Packager, Source, Trainer, Transform
from .kinds.reports import (
    Chart,
    ColumnProfile,
    Decision,
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
from .kinds.serving.fleet import AnswersAsServed, FillsRows, Fleet, Serves
from .kinds.sklearn_model import SklearnModel
from .kinds.streams.capabilities import ReadsSpan, TakesRows
from .kinds.tracking.tracker import Standing, Tracker, VersionInfo
from .live.batch.predicting import predict
from .live.deploying.applying import deploy
from .live.deploying.export.manifests import manifests
from .live.deploying.history import live_at, promotions
from .live.deploying.planning import plan_deployment
from .live.deploying.promoting import promote, rollback
from .live.deploying.status import deployment
from .live.explanations.counterfactuals import counterfactual
from .live.explanations.explaining import explain
from .live.featuring.online.looking_up import FeatureReader, look_up, stored_features
from .live.featuring.online.materializing import materialize
from .live.learning.acting import retrain, retrain_state, retrainings, stop_retraining
from .live.log.answered import scored
from .live.log.compacting import compact_predictions
from .live.log.labeling import label
from .live.log.predictions import predictions
from .live.log.pruning import prune_predictions
from .live.log.status import labels
from .live.overview.home import overview
from .live.overview.model import model_overview
from .live.overview.series import drift_over_time, quality_over_time
from .live.streams.answering import answer_from
from .live.streams.learning import update_from
from .live.streams.watching import monitor_from
from .live.versions.carrying import export_version, import_version
from .live.versions.deleting import delete_version
from .live.versions.differing import diff_versions
from .live.versions.refitting import refit
from .live.versions.repackaging import package
from .live.versions.syncing import send_runs, sync_model
from .live.versions.tagging import tag_version
from .live.versions.verifying import verify_package
from .live.watching.acting import ack, alarm_history, alarms, mute, watch_state, windows
from .live.watching.pruning import prune_watch
from .live.watching.rules import WatchRules
from .live.watching.watching import watch
from .packages.pipeline import Pipeline
from .plans.peeking import peek
from .runs.past.rows import checkout
from .runs.result import Run
from .runs.several import compare
from .sweeps.benching.bench import bench
from .version import __version__

__all__ = [
    "AddsColumns",
    "Alert",
    "AnswersAlone",
    "AnswersAsServed",
    "AnswersWith",
    "Approximates",
    "Chart",
    "ColumnProfile",
    "Component",
    "Dataset",
    "Decides",
    "Decision",
    "DecisionRule",
    "Deployer",
    "Deployment",
    "Derived",
    "DropsRepeats",
    "EmbedsCategories",
    "Evaluator",
    "Explains",
    "Explanation",
    "ExportsOnnx",
    "Feature",
    "FeatureReader",
    "FeatureSet",
    "FeatureTest",
    "Features",
    "Featurizer",
    "FillsRows",
    "Finding",
    "FittedFeaturizer",
    "FittedTransform",
    "Fleet",
    "Histogram",
    "IgnoresScale",
    "Intervals",
    "LacksWords",
    "Limit",
    "LimitedInOnnx",
    "MeasuresAsSet",
    "Metric",
    "Metrics",
    "Model",
    "ModelInfo",
    "Monitor",
    "NeedsMore",
    "NeedsOpset",
    "Package",
    "Packager",
    "PageOptions",
    "PickledModel",
    "Pipeline",
    "Prediction",
    "PredictionSets",
    "Predictor",
    "PredictsRows",
    "Profile",
    "ReadsAlike",
    "ReadsOn",
    "ReadsSpan",
    "Reference",
    "RefusesParts",
    "Report",
    "Roles",
    "Route",
    "Run",
    "RunInfo",
    "Schema",
    "Scored",
    "Secret",
    "Seen",
    "Selects",
    "ServeOptions",
    "Serves",
    "Settings",
    "SklearnModel",
    "Source",
    "Speaks",
    "Split",
    "SplitsAt",
    "StageInfo",
    "Standing",
    "Stored",
    "Table",
    "TakesContract",
    "TakesRows",
    "Target",
    "TellsSets",
    "TextRules",
    "Tracker",
    "Traffic",
    "Trainer",
    "Transform",
    "Trust",
    "Updatable",
    "Varies",
    "VersionInfo",
    "WatchRules",
    "WeighsFeatures",
    "WorksBeside",
    "__version__",
    "ack",
    "alarm_history",
    "alarms",
    "answer_from",
    "as_transform",
    "bench",
    "checkout",
    "checkpoint_folder",
    "collect",
    "compact_predictions",
    "compare",
    "contract",
    "counterfactual",
    "delete_version",
    "deploy",
    "deployment",
    "diff_versions",
    "drift_over_time",
    "evaluate",
    "explain",
    "export_version",
    "features",
    "hookimpl",
    "import_version",
    "label",
    "labels",
    "live_at",
    "load",
    "look_up",
    "manifests",
    "materialize",
    "model_overview",
    "monitor",
    "monitor_from",
    "mute",
    "overview",
    "package",
    "peek",
    "plan",
    "plan_deployment",
    "predict",
    "predictions",
    "profile",
    "promote",
    "promotions",
    "prune_predictions",
    "prune_watch",
    "quality_over_time",
    "refit",
    "register",
    "report_finding",
    "report_step",
    "retrain",
    "retrain_state",
    "retrainings",
    "rollback",
    "run",
    "runs",
    "scored",
    "send_runs",
    "serve",
    "stop_retraining",
    "stored_features",
    "sweep",
    "sync_model",
    "tag_version",
    "update",
    "update_from",
    "verify_package",
    "watch",
    "watch_state",
    "why",
    "windows",
]
