"""The conformance kit: everything built in passes it, and each of its checks can fail."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import logging
import os
import random
import runpy
import socket
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

from hookline import (
    Dataset,
    Deployer,
    Deployment,
    Evaluator,
    Feature,
    Features,
    Featurizer,
    Finding,
    Metric,
    Monitor,
    Package,
    Packager,
    Pipeline,
    Prediction,
    Predictor,
    Reference,
    Report,
    Roles,
    Scored,
    Source,
    Stored,
    Trainer,
    Transform,
    Trust,
    report_step,
)
from hookline.errors import UnknownName, UsageError
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.component import Component
from hookline.kinds.deployments import Route
from hookline.kinds.kinds import KINDS
from hookline.registry.registry import load_registry
from hookline.testing import Check, CheckFailed, checks_for
from hookline.testing.check import CHECKS, name_of
from hookline.testing.checks.common import CHECKS as COMMON
from hookline.testing.parts import LinearModel
from hookline.testing.samples import table

REQUIRED: dict[str, dict[str, Any]] = {
    "cast": {"dtypes": {"income": "string", "age": "integer"}},
    "clip": {"lower": 0.0, "upper_quantile": 0.9},
    "filter_rows": {"column": "age", "op": ">", "value": 30},
    "null_values": {"values": ["Oslo", 2]},
    "map_values": {"column": "city", "old": ["Oslo"], "new": ["Rome"]},
    "sklearn": {"class_name": "ExtraTreesClassifier"},
}
"""Fields that have no default, and ones that the component cannot do without."""
QUICK: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": (16,), "max_epochs": 12, "learning_rate": 0.05},
    "random_forest": {"n_estimators": 10},
    "hist_gradient_boosting": {"max_iter": 8},
    "synthetic": {"rows": 300},
    "classification": {"n_bootstrap": 20},
    "regression": {"n_bootstrap": 20},
    "standard": {"n_bootstrap": 20},
}
REGISTRY = load_registry()
BUILT_IN = [
    (kind, name)
    for kind in KINDS
    for name in REGISTRY.names(kind)
    if REGISTRY.entry(kind, name).plugin.origin == "built-in"
]
EXPECTED_FAILURES: dict[str, dict[str, str]] = {}


@pytest.mark.parametrize(("kind", "name"), BUILT_IN, ids=lambda part: part)
def test_everything_built_in_conforms(kind: str, name: str, tmp_path: Path) -> None:
    fields = {**REQUIRED.get(name, {}), **QUICK.get(name, {})}
    if name == "file":
        fields = {"path": str(tmp_path / "rows.csv")}
        pl.DataFrame({"a": [1, 2], "b": ["x", None]}).write_csv(tmp_path / "rows.csv")
    component = REGISTRY.build(kind, name, fields, f"{kind}.{name}")
    # Threads that wait for each other in many tiny fits, beside other test workers, take ten times as long.
    with threadpool_limits(1):
        for check in checks_for(component, expected_failures=EXPECTED_FAILURES.get(name)):
            check()


# A component that keeps every promise, one of each kind; faults are small departures from it.


class Rows(Source):
    """Ten rows."""

    name = "rows"

    def load(self) -> Dataset:
        return Dataset(pl.LazyFrame({"x": list(range(10)), "y": [i % 2 for i in range(10)]}))

    def fingerprint(self) -> str:
        return "rows"

    def roles(self) -> Roles:
        return Roles(target="y")


@dataclasses.dataclass(frozen=True)
class Shift:
    """Adds a number to `income`."""

    by: float

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(pl.col("income") + self.by)


class Shifting(Transform):
    """Add a number to `income`."""

    name = "shifting"

    def fit(self, train: Dataset) -> Shift:
        return Shift(1.0)


@dataclasses.dataclass(frozen=True)
class Income:
    """`income` as the only feature."""

    features: tuple[Feature, ...] = (Feature("income", "float32", ("income",), "income, 0 where missing"),)

    def transform(self, frame: pl.LazyFrame) -> Features:
        return Features(
            frame.select(pl.col("income").cast(pl.Float32).fill_null(0)).collect().to_numpy(), self.features
        )


class IncomeFeaturizer(Featurizer):
    """`income` as the only feature."""

    name = "income"

    def fit(self, train: Dataset) -> Income:
        return Income()


def weighed(train: Features) -> Features:
    """Leave rows of weight 0 out."""
    if train.sample_weight is None:
        return train
    keep = train.sample_weight > 0
    return dataclasses.replace(train, X=train.X[keep], y=train.y[keep], sample_weight=None)


class Linear(Trainer):
    """Least squares."""

    name = "linear"
    wrapped: str = ""
    """Unused."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        known = weighed(train)
        return LinearModel.fitted(dataclasses.replace(known, X=np.nan_to_num(known.X)))


class Errors(Evaluator):
    """The share of wrong labels."""

    name = "errors"
    tasks = frozenset({"binary"})

    def evaluate(self, scored: Scored) -> Report:
        wrong = scored.prediction().values != scored.truth()
        return Report("Errors", (Metric("errors", float(wrong.mean()), greater_is_better=False),))


class Weights(Packager):
    """Weights as JSON."""

    name = "weights"
    native = True

    def save(self, pipeline: Pipeline[LinearModel], path: Path) -> Package:
        pipeline.model.save(path)
        return Package(path, self.name)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        return stored.around(LinearModel.load(stored.path))


class Newest(Deployer):
    """Everything to the newest version."""

    name = "newest"

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        return Deployment.single(package.name, package.version or 1, self.name)


class Counting(Monitor):
    """Count the rows."""

    name = "counting"

    def check(self, current: Dataset, reference: Reference) -> Report:
        rows = current.frame.select(pl.len()).collect().item()
        found = Finding("rows", "count", float(rows), 100.0, "warning", "Few rows.")
        return Report("Rows", (Metric("rows", float(rows)),), findings=(found,) if rows < 100 else ())


GOOD: dict[str, Component] = {
    "source": Rows(),
    "transform": Shifting(),
    "featurizer": IncomeFeaturizer(),
    "trainer": Linear(),
    "evaluator": Errors(),
    "packager": Weights(),
    "deployer": Newest(),
    "monitor": Counting(),
}
# This file imports numpy and polars, so that a component defined in it does so as well; the check says as much.
HERE = {"import_is_light": "this test's module imports numpy and polars"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_component_passes(kind: str) -> None:
    for check in checks_for(GOOD[kind]):
        if check.name != "import_is_light":
            check()


# Faults of any kind.


class Listed(Newest):
    """Holds a list, which can change."""

    names: list[str] = dataclasses.field(default_factory=list)
    """Names."""


def local_class() -> Component:
    class Local(Newest):
        """Is not at the top of a module, so that pickle cannot find it."""

    return Local()


class Undocumented(Newest):
    """Says nothing of its field."""

    share: float = 1.0


class Rounding(Newest):
    """Changes its field on the way in."""

    share: float = 0.25
    """A share."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", self.share / 2)


class TakesAnything(Newest):
    """Takes anything for its field."""

    share: Any = 1.0
    """A share."""


class Unannotated(Newest):
    """Does not say what it makes."""

    def deploy(self, package: Package, current: Deployment | None):  # type: ignore[no-untyped-def]
        return Deployment.single(package.name, package.version or 1, self.name)


class CallsHome(Newest):
    """Asks a server."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        with contextlib.suppress(OSError):
            socket.create_connection(("192.0.2.1", 80), timeout=0.1).close()
        return super().deploy(package, current)


class Meddling(Newest):
    """Changes one thing of the whole process."""

    what: str = "random"
    """Which."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        acts: dict[str, Callable[[], object]] = {
            "random": lambda: random.random(),
            "numpy": lambda: np.random.default_rng() and np.random.rand(),
            "environ": lambda: os.environ.update(KIT_FAULT="1"),
            "folder": lambda: os.chdir("/"),
            "filters": lambda: warnings.simplefilter("ignore"),
            "levels": lambda: logging.getLogger().setLevel(1),
        }
        acts[self.what]()
        return super().deploy(package, current)


# Faults of sources.


class Eager(Rows):
    """Returns a frame in memory."""

    def load(self) -> Dataset:
        return Dataset(super().load().frame.collect())  # type: ignore[arg-type]


class Shuffled(Rows):
    """Returns its rows in another order each time."""

    def load(self) -> Dataset:
        return Dataset(super().load().frame.collect().sample(fraction=1, shuffle=True).lazy())


class Clocked(Rows):
    """Has another fingerprint each time."""

    def fingerprint(self) -> str:
        return os.urandom(8).hex()


class WrongRoles(Rows):
    """Names a target that is no column."""

    def roles(self) -> Roles:
        return Roles(target="z")


# Faults of transforms.


@dataclasses.dataclass(frozen=True)
class Dropping:
    """Drops rows."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.filter(pl.col("income") > 40_000)


@dataclasses.dataclass(frozen=True)
class Collecting:
    """Returns a frame in memory."""

    def transform(self, frame: pl.LazyFrame) -> Any:
        return frame.collect()


@dataclasses.dataclass(frozen=True)
class Peeking:
    """Centers by the rows at hand, not by the training rows."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(pl.col("income") - pl.col("income").mean())


@dataclasses.dataclass(frozen=True)
class Holding:
    """Holds an array, which JSON does not know."""

    by: Any

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(pl.col("income") + float(self.by[0]))


@dataclasses.dataclass(frozen=True)
class Strict:
    """Knows three cities only."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(pl.col("city").replace_strict({"Oslo": 1, "Lima": 2, "Pune": 3}))


@dataclasses.dataclass(frozen=True)
class ShiftSaidWrongly(Shift):
    """Forgets the shift in ONNX."""

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return dict(inputs)


class DropsRows(Shifting):
    """Drops rows, though it applies always."""

    def fit(self, train: Dataset) -> Dropping:
        return Dropping()


class CollectsRows(Shifting):
    """Returns a frame in memory."""

    def fit(self, train: Dataset) -> Collecting:
        return Collecting()


class Unsteady(Shifting):
    """Learns something else each time."""

    def fit(self, train: Dataset) -> Shift:
        return Shift(float(np.random.default_rng().normal()))


class Peeks(Shifting):
    """Learns from the rows that it changes."""

    def fit(self, train: Dataset) -> Peeking:
        return Peeking()


class HoldsArrays(Shifting):
    """Learns an array."""

    def fit(self, train: Dataset) -> Holding:
        return Holding(np.ones(1))


class KnowsThreeCities(Shifting):
    """Fails on a city that it does not know."""

    def fit(self, train: Dataset) -> Strict:
        return Strict()


class ShiftsOtherwiseInOnnx(Shifting):
    """Says something else in ONNX."""

    def fit(self, train: Dataset) -> ShiftSaidWrongly:
        return ShiftSaidWrongly(50_000.0)


# Faults of featurizers.


@dataclasses.dataclass(frozen=True)
class Doubles(Income):
    """Makes float64."""

    def transform(self, frame: pl.LazyFrame) -> Features:
        made = super().transform(frame)
        return Features(made.X.astype(np.float64), self.features)


@dataclasses.dataclass(frozen=True)
class Scaled(Income):
    """`income` over a number."""

    by: Any = 1.0

    def transform(self, frame: pl.LazyFrame) -> Features:
        made = super().transform(frame)
        return Features(made.X / np.float32(np.ravel(self.by)[0]), self.features)


@dataclasses.dataclass(frozen=True)
class ScaledByRowsAtHand(Income):
    """`income` over its largest value here."""

    def transform(self, frame: pl.LazyFrame) -> Features:
        made = super().transform(frame)
        return Features(made.X - made.X.mean(), self.features)


@dataclasses.dataclass(frozen=True)
class RefusesGaps(Income):
    """Fails on a missing value, and not with a DataError."""

    def transform(self, frame: pl.LazyFrame) -> Features:
        return Features(np.array([[float(v)] for v in frame.collect()["income"]], dtype=np.float32), self.features)


@dataclasses.dataclass(frozen=True)
class IncomeSaidWrongly(Income):
    """Negates itself in ONNX."""

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        import spox.opset.ai.onnx.v21 as op

        return {"X": op.cast(op.neg(inputs["income"]), to=np.float32)}


class MakesDoubles(IncomeFeaturizer):
    """Makes float64."""

    def fit(self, train: Dataset) -> Doubles:
        return Doubles()


class UnsteadyFeaturizer(IncomeFeaturizer):
    """Learns something else each time."""

    def fit(self, train: Dataset) -> Scaled:
        return Scaled(by=float(np.random.default_rng().uniform(1, 2)))


class PeekingFeaturizer(IncomeFeaturizer):
    """Learns from the rows that it changes."""

    def fit(self, train: Dataset) -> ScaledByRowsAtHand:
        return ScaledByRowsAtHand()


class ArrayFeaturizer(IncomeFeaturizer):
    """Learns an array."""

    def fit(self, train: Dataset) -> Scaled:
        return Scaled(by=np.ones(1))


class GapFeaturizer(IncomeFeaturizer):
    """Fails on a missing value."""

    def fit(self, train: Dataset) -> RefusesGaps:
        return RefusesGaps()


class OnnxFeaturizer(IncomeFeaturizer):
    """Says something else in ONNX."""

    def fit(self, train: Dataset) -> IncomeSaidWrongly:
        return IncomeSaidWrongly()


# Faults of trainers.


@dataclasses.dataclass(frozen=True)
class Labeled(LinearModel):
    """Predicts labels instead of codes, and numbers that are not finite."""

    def predict(self, features: Features) -> Prediction:
        if self.is_regression:
            return Prediction(np.full(features.shape[0], np.nan))
        return Prediction(np.array(["yes"] * features.shape[0]))


@dataclasses.dataclass(frozen=True)
class Constant(LinearModel):
    """Predicts the same everywhere."""

    def predict(self, features: Features) -> Prediction:
        made = super().predict(features)
        return Prediction(np.zeros_like(made.values))


@dataclasses.dataclass(frozen=True)
class Batchwise(LinearModel):
    """Normalizes by the rows at hand."""

    def predict(self, features: Features) -> Prediction:
        return super().predict(dataclasses.replace(features, X=features.X - features.X.mean(axis=0)))


@dataclasses.dataclass(frozen=True)
class Forgetful(LinearModel):
    """Loses half of its weights in files."""

    def save(self, folder: Path) -> None:
        (folder / "linear.json").write_text(
            json.dumps([[[0.0] * len(row) for row in self.weights], self.is_regression])
        )


@dataclasses.dataclass(frozen=True)
class Nameless(LinearModel):
    """Has importances of something else."""

    def importances(self) -> Mapping[str, float]:
        return {"no such feature": 1.0}


@dataclasses.dataclass(frozen=True)
class SaidWrongly(LinearModel):
    """Forgets the features in ONNX."""

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        import spox.opset.ai.onnx.v21 as op

        return super().to_onnx({"X": op.neg(inputs["X"])})


def making(model: type[LinearModel]) -> type[Linear]:
    class Made(Linear):
        """Least squares with a fault."""

        def fit(self, train: Features, valid: Features | None) -> LinearModel:
            found = super().fit(train, valid)
            return model(found.weights, found.is_regression)

    return Made


class UnsteadyTrainer(Linear):
    """Learns from other rows each time."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        rows = np.random.default_rng().permutation(train.shape[0])[: train.shape[0] // 2]
        return super().fit(dataclasses.replace(train, X=train.X[rows], y=train.y[rows], sample_weight=None), valid)


class Overwriting(Linear):
    """Writes into its input."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        train.X[0] = train.X[0]
        return super().fit(train, valid)


class Weightless(Linear):
    """Ignores weights."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        return super().fit(dataclasses.replace(train, sample_weight=None), valid)


class Brittle(Linear):
    """Fails on missing values, and not with a DataError."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        if np.isnan(train.X).any():
            raise ValueError("Input contains NaN")
        return super().fit(train, valid)


class Backward(Linear):
    """Counts its steps down."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        for step in (3, 2, 1):
            report_step(step, 1.0)
        return super().fit(train, valid)


class Diverging(Linear):
    """Reports what is no number."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        report_step(1, float("nan"))
        return super().fit(train, valid)


class Unstoppable(Linear):
    """Goes on where it is told to stop."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        with contextlib.suppress(Exception):
            report_step(1, 1.0)
        return super().fit(train, valid)


# Faults of evaluators.


class Undefined(Errors):
    """Gives NaN."""

    def evaluate(self, scored: Scored) -> Report:
        return Report("Errors", (Metric("errors", float("nan")),))


class UnsteadyEvaluator(Errors):
    """Gives another number each time."""

    def evaluate(self, scored: Scored) -> Report:
        return Report("Errors", (Metric("luck", float(np.random.default_rng().normal())),))


class UpsideDown(Errors):
    """Says that errors are good."""

    def evaluate(self, scored: Scored) -> Report:
        (metric,) = super().evaluate(scored).metrics
        return Report("Errors", (dataclasses.replace(metric, greater_is_better=True),))


class Unplain(Errors):
    """Puts an object into a table's place."""

    def evaluate(self, scored: Scored) -> Report:
        return Report("Errors", tables=({"not": "a table"},))  # type: ignore[arg-type]


# Faults of packagers.


class Careless(Weights):
    """Loses the weights."""

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        model = LinearModel.load(stored.path)
        return stored.around(LinearModel(tuple(tuple(0.0 for _ in row) for row in model.weights), model.is_regression))


class Contractless(Weights):
    """Forgets the schema."""

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        loaded: Any = super().load(stored, trust)
        return dataclasses.replace(loaded, schema=dataclasses.replace(loaded.schema, columns=loaded.schema.columns[1:]))


class Trusting(Weights):
    """Reads a pickle without asking."""

    def save(self, pipeline: Pipeline[LinearModel], path: Path) -> Package:
        import pickle

        (path / "model.pkl").write_bytes(pickle.dumps(pipeline.model, protocol=5))
        return Package(path, self.name)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        import pickle

        return stored.around(pickle.loads((stored.path / "model.pkl").read_bytes()))


# Faults of deployers.


class Stuck(Newest):
    """Never deploys the new version."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        return Deployment.single(package.name, 1, self.name)


class Overfull(Newest):
    """Gives out more than there is."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        version = package.version or 1
        return Deployment(package.name, version, (Route(version, 0.7), Route(version, 0.7)), self.name, {})


class Dicing(Newest):
    """Routes at random."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        version, share = package.version or 1, float(np.random.default_rng().uniform())
        return Deployment(package.name, version, (Route(version, share), Route(version, 1 - share)), self.name, {})


# Faults of monitors.


class Alarmist(Counting):
    """Always alarmed."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        return Report("Rows", findings=(Finding("rows", "count", 1.0, 0.0, "critical", "Rows!"),))


class Terse(Counting):
    """Leaves out the sentence."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        return Report("Rows", findings=(Finding("rows", "count", 1.0, 0.0, "info", ""),))


class UnsteadyMonitor(Counting):
    """Gives another number each time."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        return Report("Rows", (Metric("luck", float(np.random.default_rng().normal())),))


class Greedy(Counting):
    """Needs the training rows."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        assert reference.dataset is not None, "the training rows are gone"
        return super().check(current, reference)


FAULTS: dict[tuple[str, str], Callable[[], Component]] = {
    ("common", "frozen_and_hashable"): Listed,
    ("common", "pickles"): local_class,
    ("common", "documented"): Undocumented,
    ("common", "config_round_trip"): Rounding,
    ("common", "fields_refuse_wrong_types"): TakesAnything,
    ("common", "ports_resolve"): Unannotated,
    ("common", "import_is_light"): Newest,
    ("common", "stays_off_the_network"): CallsHome,
    ("common", "leaves_process_as_it_was"): Meddling,
    ("source", "loads_a_lazy_frame"): Eager,
    ("source", "same_rows_twice"): Shuffled,
    ("source", "fingerprint_is_stable"): Clocked,
    ("source", "roles_are_columns"): WrongRoles,
    ("transform", "keeps_rows"): DropsRows,
    ("transform", "input_stays_lazy"): CollectsRows,
    ("transform", "deterministic"): Unsteady,
    ("transform", "rows_do_not_depend_on_others"): Peeks,
    ("transform", "state_survives_json"): HoldsArrays,
    ("transform", "takes_strange_rows"): KnowsThreeCities,
    ("transform", "onnx_is_equal"): ShiftsOtherwiseInOnnx,
    ("featurizer", "matrix_is_described"): MakesDoubles,
    ("featurizer", "deterministic"): UnsteadyFeaturizer,
    ("featurizer", "rows_do_not_depend_on_others"): PeekingFeaturizer,
    ("featurizer", "state_survives_json"): ArrayFeaturizer,
    ("featurizer", "takes_strange_rows"): GapFeaturizer,
    ("featurizer", "onnx_is_equal"): OnnxFeaturizer,
    ("trainer", "predicts_codes"): making(Labeled),
    ("trainer", "learns"): making(Constant),
    ("trainer", "deterministic"): UnsteadyTrainer,
    ("trainer", "rows_do_not_depend_on_others"): making(Batchwise),
    ("trainer", "leaves_input_alone"): Overwriting,
    ("trainer", "weights_count"): Weightless,
    ("trainer", "takes_strange_rows"): Brittle,
    ("trainer", "reports_steps"): Backward,
    ("trainer", "model_survives_saving"): making(Forgetful),
    ("trainer", "importances_are_features"): making(Nameless),
    ("trainer", "onnx_is_equal"): making(SaidWrongly),
    ("evaluator", "metrics_are_finite"): Undefined,
    ("evaluator", "repeatable"): UnsteadyEvaluator,
    ("evaluator", "rewards_the_truth"): UpsideDown,
    ("evaluator", "report_is_plain"): Unplain,
    ("packager", "predicts_the_same"): Careless,
    ("packager", "contract_travels"): Contractless,
    ("packager", "runs_no_code_untrusted"): Trusting,
    ("deployer", "routes_name_the_version"): Stuck,
    ("deployer", "weights_add_up"): Overfull,
    ("deployer", "repeatable"): Dicing,
    ("monitor", "same_data_raise_no_alarm"): Alarmist,
    ("monitor", "findings_are_complete"): Terse,
    ("monitor", "repeatable"): UnsteadyMonitor,
    ("monitor", "needs_only_the_profile"): Greedy,
}


def named(component: Component, name: str) -> Check:
    return next(check for check in checks_for(component) if check.name == name)


def all_checks() -> Iterator[tuple[str, str]]:
    for kind, functions in (("common", COMMON), *CHECKS.items()):
        yield from ((kind, name_of(function)) for function in functions)


def test_every_check_has_a_faulty_component() -> None:
    elsewhere = {
        (path.stem.removeprefix("test_contract_"), name)
        for path in (Path(__file__).parent / "testing").glob("test_contract_*.py")
        for name in runpy.run_path(str(path))["FAULTS"]
    }
    assert list(FAULTS) == [check for check in all_checks() if check not in elsewhere]


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@pytest.mark.parametrize(("kind", "name"), FAULTS, ids=lambda part: part)
def test_each_check_can_fail(kind: str, name: str) -> None:
    component = FAULTS[kind, name]()
    with pytest.raises(CheckFailed, match=f"^{component.kind} '{component.name}': "):
        named(component, name)()


@pytest.mark.parametrize(
    ("component", "told"),
    [
        (Backward(), "step 2 comes after step 3"),
        (Diverging(), "reports loss nan at step 1"),
        (Unstoppable(), "goes on, or raises another error"),
    ],
    ids=str,
)
def test_a_fault_in_reporting_steps_is_named(component: Component, told: str) -> None:
    with pytest.raises(CheckFailed, match=told):
        named(component, "reports_steps")()


@pytest.mark.parametrize("what", ["random", "numpy", "environ", "folder", "filters", "levels"])
def test_each_kind_of_meddling_is_noticed_and_put_back(what: str) -> None:
    before = (Path.cwd(), dict(os.environ), logging.getLogger().level, random.getstate())
    with pytest.raises(CheckFailed, match="of the whole process"):
        named(Meddling(what=what), "leaves_process_as_it_was")()
    assert before == (Path.cwd(), dict(os.environ), logging.getLogger().level, random.getstate())


def test_the_network_is_back_after_the_check() -> None:
    with pytest.raises(CheckFailed, match=r"connects to 192\.0\.2\.1"):
        named(CallsHome(), "stays_off_the_network")()
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_an_expected_failure_passes() -> None:
    reason = {"weights_count": "least squares by hand, without weights"}
    for check in checks_for(Weightless(), expected_failures=HERE | reason):
        check()


def test_an_expected_failure_that_passes_is_an_error() -> None:
    checks = checks_for(Newest(), expected_failures={"weights_add_up": "not yet"})
    with pytest.raises(CheckFailed, match="expected to fail \\(not yet\\), but it passes"):
        next(check for check in checks if check.name == "weights_add_up")()


def test_an_expected_failure_needs_a_known_check_and_a_reason() -> None:
    with pytest.raises(UnknownName, match="did you mean 'weights_add_up'"):
        checks_for(Newest(), expected_failures={"weight_add_up": "typo"})
    with pytest.raises(UsageError, match="needs a reason"):
        checks_for(Newest(), expected_failures={"weights_add_up": " "})


def test_a_class_is_not_a_component() -> None:
    with pytest.raises(UsageError, match="not the class Newest"):
        checks_for(Newest)  # type: ignore[arg-type]


def test_a_check_says_its_name_and_promise() -> None:
    check = named(Newest(), "weights_add_up")
    assert str(check) == "weights_add_up"
    assert check.doc.startswith("The shares of traffic are between 0 and 1")


def test_every_check_states_its_promise_in_a_sentence() -> None:
    for function in itertools.chain(COMMON, *CHECKS.values()):
        assert (function.__doc__ or "").strip().partition("\n")[0].endswith("."), function.__name__


class Broken(Newest):
    """Fails."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        raise ZeroDivisionError("by zero")


def test_an_expected_failure_may_be_any_error() -> None:
    checks = checks_for(Broken(), expected_failures={"weights_add_up": "does not deploy yet"})
    next(check for check in checks if check.name == "weights_add_up")()


def test_an_error_of_the_component_keeps_its_type_and_names_the_check() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        named(Broken(), "weights_add_up")()
    assert "in check 'weights_add_up' of deployer 'newest'" in caught.value.__notes__[0]


def test_the_authors_own_rows_are_used() -> None:
    frame = pl.LazyFrame({"income": list(range(40)), "bought": ["no", "yes"] * 20})
    for check in checks_for(Shifting(), sample=Dataset(frame, Roles(target="bought"))):
        if check.name != "import_is_light":
            check()
    with pytest.raises(UsageError, match="sample needs a target"):
        named_with(Shifting(), Dataset(frame), "keeps_rows")()


def named_with(component: Component, sample: Dataset, name: str) -> Check:
    return next(check for check in checks_for(component, sample=sample) if check.name == name)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_kits_table_has_every_type_gaps_and_all_classes(task: Any) -> None:
    sample = table(task)
    frame = sample.train.frame.collect()
    types = {repr(dtype).partition("(")[0] for name, dtype in frame.schema.items() if name != ROW_ID}
    assert types >= {"Float64", "Int64", "String", "Boolean", "Datetime"}
    assert frame["age"].null_count()
    assert frame["city"].null_count()
    assert set(frame["target"].unique()) >= set(sample.target.classes)
    assert set(sample.test.frame.collect()["target"].unique()) >= set(sample.target.classes)
