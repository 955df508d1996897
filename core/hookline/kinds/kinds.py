"""The plugin contract: the eight kinds as abstract classes, and the table of what each kind is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from .artifacts import Dataset, Features, Roles
from .component import Component
from .deployments import Deployment, Package, Seen, Trust
from .fitted import FittedFeaturizer, FittedTransform, Limit, Model, Predictor
from .reports import Report

if TYPE_CHECKING:
    import polars as pl


class Source(Component):
    """Where rows come from.

    Example:
        >>> class Squares(Source):
        ...     \"\"\"The first n squares.\"\"\"
        ...     name = "squares"
        ...     n: int = 3
        ...     def load(self) -> Dataset:
        ...         import polars as pl
        ...         return Dataset(pl.LazyFrame({"x": range(self.n)}).with_columns(y=pl.col("x") ** 2))
        ...     def fingerprint(self) -> str:
        ...         return f"squares-{self.n}"
        >>> Squares(n=4).load().frame.collect()["y"].to_list()
        [0, 1, 4, 9]
    """

    kind = "source"

    @abstractmethod
    def load(self) -> Dataset:
        """Return the rows, lazily where the backend can; raises DataError for what cannot be read."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a string that changes when the rows do, without a full read where the system allows."""

    def roles(self) -> Roles:
        """Return the roles that the source itself knows; config overrides them one by one."""
        return Roles()


class Transform(Component):
    """A change of rows or columns, fitted on training rows where it learns anything.

    Implement `fit`, annotated with the fitted dataclass it returns; or, where there is nothing to learn, `transform` alone.

    Example:
        >>> class DropNegative(Transform):
        ...     \"\"\"Drop rows with a negative value.\"\"\"
        ...     name = "drop_negative"
        ...     applies = "dataset"
        ...     column: str
        ...     def transform(self, frame: "pl.LazyFrame") -> "pl.LazyFrame":
        ...         import polars as pl
        ...         return frame.filter(pl.col(self.column) >= 0)
        >>> import polars as pl
        >>> DropNegative(column="x").transform(pl.LazyFrame({"x": [-1, 2]})).collect()["x"].to_list()
        [2]
    """

    kind = "transform"
    applies: ClassVar[Literal["dataset", "training", "always"]] = "always"
    """`dataset`: before the split, may drop rows. `training`: training rows only. `always`: keeps every row, in order."""

    def fit(self, train: Any) -> FittedTransform:
        """Learn from `train` (Dataset, training rows only) and return the fitted transform."""
        return self

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return the changed rows."""
        raise NotImplementedError(f"transform '{self.name}' implements neither fit nor transform")


class Featurizer(Component):
    """Turns rows into a design matrix; one that comes after another turns its matrix into another, as a selection does.

    Example:
        >>> from dataclasses import dataclass
        >>> from hookline import Feature
        >>> @dataclass(frozen=True)
        ... class FittedRaw:
        ...     features: tuple[Feature, ...]
        ...     def transform(self, frame: "pl.LazyFrame") -> Features:
        ...         rows = frame.select([feature.name for feature in self.features]).collect()
        ...         return Features(rows.to_numpy().astype("float32"), self.features)
        >>> class Raw(Featurizer):
        ...     \"\"\"Every column as it is.\"\"\"
        ...     name = "raw"
        ...     def fit(self, train: Dataset) -> FittedRaw:
        ...         return FittedRaw(tuple(Feature(c, "float32", (c,), c) for c in train.feature_columns()))
        >>> import polars as pl
        >>> rows = pl.LazyFrame({"a": [1, 2]})
        >>> Raw().fit(Dataset(rows)).transform(rows).X.tolist()
        [[1.0], [2.0]]
    """

    kind = "featurizer"

    @abstractmethod
    def fit(self, train: Any) -> FittedFeaturizer:
        """Learn from training rows; the annotation of `train` says where the featurizer may stand.

        train: Dataset, the first in the list: the rows after all transforms, `train.target` says what is predicted;
            Features, one after another: the matrix that the one before it makes of them, with y and weights
        """

    def transform_train(self, fitted: Any, train: Any) -> Features:
        """Return the design matrix of the training rows; overridden where they need their own, as cross-fitting does."""
        features: Features = fitted.transform(train if isinstance(train, Features) else train.frame)
        return features


class Trainer(Component):
    """Fits a model to features.

    Example:
        >>> from hookline import SklearnModel
        >>> class NearestTrainer(Trainer):
        ...     \"\"\"Predict the label of the closest training rows.\"\"\"
        ...     name = "nearest"
        ...     neighbors: int = 5
        ...     def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        ...         from sklearn.neighbors import KNeighborsClassifier
        ...         return SklearnModel.of(KNeighborsClassifier(self.neighbors).fit(train.X, train.y), train)
        >>> NearestTrainer(neighbors=3)
        NearestTrainer(neighbors=3)
    """

    kind = "trainer"
    tasks: ClassVar[frozenset[str]] = frozenset({"binary", "multiclass", "regression"})
    """What it can learn; a target of another task is an error before any training."""

    @abstractmethod
    def fit(self, train: Any, valid: Any) -> Model:
        """Fit on `train` (Features); `valid` (Features or None) may decide when to stop."""


class Evaluator(Component):
    """Judges answers by what was true: of held-out rows, of somebody's own model, or of the prediction log.

    Example:
        >>> from hookline import Metric, Scored
        >>> class ErrorRate(Evaluator):
        ...     \"\"\"The share of wrong labels.\"\"\"
        ...     name = "error_rate"
        ...     def evaluate(self, scored: Scored) -> Report:
        ...         wrong = scored.prediction().values != scored.truth()
        ...         return Report("Errors", (Metric("error_rate", float(wrong.mean()), greater_is_better=False),))
    """

    kind = "evaluator"
    tasks: ClassVar[frozenset[str]] = frozenset({"binary", "multiclass", "regression"})
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = None
    """Task -> all metrics that it may measure, `*` for any part of a name; None: not known before. Other gates are refused."""

    @abstractmethod
    def evaluate(self, scored: Any, *args: Any, **kwargs: Any) -> Report:
        """Judge rows with their answers (Scored); one that asks the model more also names `pipeline` (Predictor)."""


class Packager(Component):
    """Writes a pipeline to disk in one format, and reads it back.

    The runner writes pipeline.json (transforms, featurizer, schema, target) and manifest.json beside what `save` writes.

    Example:
        >>> import pickle
        >>> from hookline import Pipeline, Stored, errors
        >>> class PicklePackager(Packager):
        ...     \"\"\"Any model as a pickle.\"\"\"
        ...     name = "pickle"
        ...     native = True
        ...     def save(self, pipeline: Pipeline[Model], path: Path) -> Package:
        ...         (path / "model.pkl").write_bytes(pickle.dumps(pipeline.model))
        ...         return Package(path, self.name)
        ...     def load(self, stored: Stored, trust: Trust) -> Predictor:
        ...         if not (trust.pickle or trust.everything):
        ...             raise errors.UntrustedPackage(f"package {stored.path} is a pickle")
        ...         return stored.around(pickle.loads((stored.path / "model.pkl").read_bytes()))
    """

    kind = "packager"
    native: ClassVar[bool] = False
    """Whether the package holds the model itself, which updating it and explaining its trees need."""
    tolerance: ClassVar[float] = 1e-5
    """Largest difference of a probability (or, relative, of a number) from the native pipeline that still counts as equal."""

    @abstractmethod
    def save(self, pipeline: Any, path: Path) -> Package:
        """Write the files of this format into the empty folder `path`; raises ExportError where the format cannot say it."""

    def limit(self, pipeline: Any) -> Limit | None:
        """Return from where on this format may answer differently, which then fails no certificate; None: nowhere."""
        return None

    @abstractmethod
    def load(self, stored: Any, trust: Trust) -> Predictor:
        """Read a package (Stored); raises UntrustedPackage where that would run code that `trust` does not allow."""


class Deployer(Component):
    """Decides which versions answer which share of traffic.

    Example:
        >>> class Newest(Deployer):
        ...     \"\"\"Send everything to the newest version.\"\"\"
        ...     name = "newest"
        ...     def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        ...         return Deployment.single(package.name, package.version or 1, self.name)
        >>> Newest().deploy(Package(Path("p"), "onnx", "churn", 2), None).aliases
        {'champion': 2}
    """

    kind = "deployer"

    @abstractmethod
    def deploy(self, package: Any, current: Any) -> Deployment:
        """Return the new policy, given the registered package (Package) and the current policy (Deployment or None)."""

    def accepts(self, package: Package) -> bool:
        """Tell whether a package takes part in the policy, by what `package.objections` says; else it is only registered."""
        return True

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        """Return the policy that comes next, with its reason, or None where the present one stays.

        Pure: it goes by its arguments alone, so that a rollout can be played through, and replayed on a log.
        policy: the one in force, of this deployer; now: the time, UTC
        seen: version -> what was seen of it since the policy came into force
        """
        return None


class Monitor(Component):
    """Compares current rows with what a model was trained on.

    The annotation of `current` says what is wanted: Dataset (raw rows), Scored (rows with answers), or Traffic (requests).

    Example:
        >>> class RowsLeft(Monitor):
        ...     \"\"\"Say how many rows there are now.\"\"\"
        ...     name = "rows_left"
        ...     def check(self, current: Dataset, reference: Reference) -> Report:
        ...         return Report(f"{current.frame.collect().height} rows now, {reference.profile.rows} in training")
    """

    kind = "monitor"
    measures: ClassVar[tuple[str, ...] | None] = None
    """All metrics that it may measure; None: not known before. A gate on any other is refused before the run."""

    @abstractmethod
    def check(self, current: Any, reference: Any) -> Report:
        """Compare `current` (Dataset, Scored or Traffic) with `reference` (Reference); `findings` says what is wrong."""


@dataclass(frozen=True)
class Kind:
    """What one of the eight kinds is, for whoever goes through them all."""

    cls: type[Component]
    method: str
    """The method that a stage calls, whose annotations are its ports."""
    many: bool = False
    """Whether a run may have several, in order; they stand in config under keys of their own."""
    optional: bool = False
    """Whether a run may have none."""
    reports: bool = False
    """Whether its stage makes a Report, which has a section in the run's."""


KIND_TABLE: Mapping[str, Kind] = {
    kind.cls.kind: kind
    for kind in (
        Kind(Source, "load"),
        Kind(Transform, "fit", many=True, optional=True),
        Kind(Featurizer, "fit", many=True),
        Kind(Trainer, "fit"),
        Kind(Evaluator, "evaluate", many=True, optional=True, reports=True),
        Kind(Packager, "save", many=True, optional=True),
        Kind(Deployer, "deploy", optional=True),
        Kind(Monitor, "check", many=True, optional=True, reports=True),
    )
}
"""Kind -> what it is, in the order in which a run meets them first."""

KINDS = tuple(KIND_TABLE)
MULTIPLE = tuple(name for name, kind in KIND_TABLE.items() if kind.many)
"""Kinds of which a run may have several."""
