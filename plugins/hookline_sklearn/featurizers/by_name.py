"""Any transformer of scikit-learn, by its class name, after a featurizer that has made a matrix."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, NoReturn

from annotated_types import Interval

from hookline import Feature, Features, Featurizer, Roles
from hookline.errors import ConfigError, DataError, Problem, StoreError, closest
from hookline.kinds.artifacts import require_memory
from hookline.kinds.formats.words import ONNX

MODULES = (
    "cluster",
    "cross_decomposition",
    "decomposition",
    "discriminant_analysis",
    "feature_selection",
    "kernel_approximation",
    "neighbors",
    "neural_network",
    "preprocessing",
    "random_projection",
)
"""scikit-learn modules whose transformers `sklearn` may build."""
UNFIT = frozenset({"FunctionTransformer", "TargetEncoder"})
"""Transformers that run a function which they are given, and one that shows training rows their own target unless it is fitted
in a way of its own, which `tabular` has."""

SCALED_BY: Mapping[str, str] = {
    "CCA": "scale",
    "PLSCanonical": "scale",
    "PLSRegression": "scale",
    "PLSSVD": "scale",
    "RobustScaler": "with_scaling",
    "StandardScaler": "with_std",
}
"""Transformers that scale each column anew -> the parameter by which they do; by default it is true."""
SCALELESS = frozenset(
    {
        *SCALED_BY,
        *("LinearDiscriminantAnalysis", "MaxAbsScaler", "MinMaxScaler", "OneHotEncoder", "OrdinalEncoder"),
        *("PowerTransformer", "QuantileTransformer"),
    }
)
"""Transformers that make the same of a column whatever it is multiplied by, or nearly so."""
FOLDERS = frozenset({"memory"})
"""Parameters that name a folder of pickles, which joblib would read: a config runs no code."""


@dataclass(frozen=True)
class FittedTransformer:
    """A fitted transformer of scikit-learn.

    features: what it makes; width: how many columns it takes
    state: the transformer in skops' format, which is read type by type and runs no code, as base64
    """

    features: tuple[Feature, ...]
    width: int
    state: str

    def transform(self, features: Features) -> Features:
        """Return its matrix, float32; raises DataError for missing values that it does not take."""
        import numpy as np

        if features.shape[1] != self.width:
            raise DataError(f"the matrix has {features.shape[1]} columns, and {self._name} was fitted to {self.width}")
        if not features.shape[0]:
            return replace(features, X=np.empty((0, len(self.features)), dtype=np.float32), features=self.features)
        X = _taken(self._transformer, features)
        with _refusals_told(self._name):
            made: Any = self._transformer.transform(X)
        if not isinstance(made, np.ndarray):
            return replace(features, X=made.tocsr().astype(np.float32), features=self.features)
        return replace(features, X=np.ascontiguousarray(made, dtype=np.float32), features=self.features)

    @property
    def _name(self) -> str:
        return type(self._transformer).__name__

    @cached_property
    def _transformer(self) -> Any:
        return _restored(self.state)


class SklearnFeaturizer(Featurizer):
    """Any transformer of scikit-learn, by its class name, on the matrix of the featurizer before: `[tabular,sklearn]`, `PCA`."""

    name = "sklearn"
    extra = "sklearn"
    class_name: str
    """The transformer's class name; one of scikit-learn's own."""
    params: Mapping[str, str | int | float | bool | None] = dataclasses.field(default_factory=dict)
    """Its parameters, as scikit-learn names them."""
    seed: Annotated[int, Interval(ge=0, lt=2**32)] = 0
    """Seed, where the transformer takes a `random_state` that `params` does not set."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend, and what keeps a fitted transformer without code."""
        return ("sklearn", "skops")

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that it is scikit-learn's."""
        return {ONNX: f"{self.class_name} of scikit-learn (tabular scales and encodes, select chooses)"}

    def ignores_scale(self) -> str | None:
        """Say that what scales or divides a column anew takes weights of features away."""
        if self.class_name == "Binarizer":
            ignores = not self.params.get("threshold", 0.0)
        else:
            ignores = self.class_name in SCALELESS and bool(self.params.get(SCALED_BY.get(self.class_name, ""), True))
        told = f"{self.class_name} makes the same of a column whatever its scale; put it before them"
        return told if ignores else None

    def fit(self, train: Features) -> FittedTransformer:
        """Fit on the training rows, with their weights where it takes any, and the target where it wants one.

        Raises ConfigError for an unknown class or parameter, DataError for missing values that it does not take.
        """
        from sklearn.utils._param_validation import InvalidParameterError
        from sklearn.utils.validation import has_fit_parameter

        train = train.weighing()
        transformer = self._transformer()
        X = _taken(transformer, train)
        more: dict[str, Any] = {}
        if train.sample_weight is not None and has_fit_parameter(transformer, "sample_weight"):
            more["sample_weight"] = train.sample_weight
        try:
            with _refusals_told(self.class_name):
                transformer.fit(X, train.y, **more)
        except InvalidParameterError as error:
            _refuse("featurizer.sklearn.params", str(error).replace("\n", " "))
        state = _kept(transformer, self.class_name)
        return FittedTransformer(self._features(transformer, train), train.shape[1], state)

    def _transformer(self) -> Any:
        known = allowed_transformers()
        if self.class_name not in known:
            match = closest(self.class_name, known)
            told = f"; did you mean '{match}'?" if match else f" in sklearn.{', '.join(MODULES)}"
            _refuse("featurizer.sklearn.class_name", f"'{self.class_name}' is no transformer that may be named{told}")
        cls = known[self.class_name]
        parameters = [name for name in cls().get_params() if name not in FOLDERS]
        for name in self.params:
            if name not in parameters:
                match = closest(name, parameters)
                told = f"; did you mean '{match}'?" if match else ""
                _refuse(f"featurizer.sklearn.params.{name}", f"unknown parameter{told}")
        seed = {"random_state": self.seed} if "random_state" in parameters else {}
        return cls(**{**seed, **self.params})

    def _features(self, transformer: Any, train: Features) -> tuple[Feature, ...]:
        """Describe what is made: of one column each where it keeps their names, else of all that came in."""
        from hashlib import sha256

        from sklearn.feature_selection import SelectorMixin

        selects = isinstance(transformer, SelectorMixin)
        told = ", ".join(f"{name}={value!r}" for name, value in sorted(self.params.items()))
        version = sha256(f"{self.class_name}({told})".encode()).hexdigest()[:8]
        before = {feature.name: feature for feature in train.features}
        inputs = tuple(dict.fromkeys(name for feature in train.features for name in feature.inputs))
        found = []
        for name in map(str, transformer.get_feature_names_out(list(train.names))):
            one = before.get(name)
            definition = f"{self.class_name}({told}) of {name if one else f'{train.shape[1]} features'}"
            found.append(
                Feature(
                    name,
                    "float32",
                    one.inputs if one else inputs,
                    f"{definition}: {name}",
                    f"{one.version if one else ''}{version}",
                    weight=one.weight if one and selects else 1.0,
                )
            )
        return tuple(found)


def allowed_transformers() -> dict[str, Any]:
    """Return class name -> class of scikit-learn's own transformers that need no other estimator, and run no code of others."""
    import importlib
    import inspect

    from sklearn.base import BaseEstimator, TransformerMixin

    found = {}
    for name in MODULES:
        module = importlib.import_module(f"sklearn.{name}")
        for public in getattr(module, "__all__", []):
            cls = getattr(module, public)
            if not (inspect.isclass(cls) and issubclass(cls, BaseEstimator) and issubclass(cls, TransformerMixin)):
                continue
            makes = hasattr(cls, "transform") and hasattr(cls, "get_feature_names_out")
            if makes and public not in UNFIT and not inspect.isabstract(cls) and not _needs_arguments(cls):
                found[public] = cls
    return found


def _needs_arguments(cls: Any) -> bool:
    import inspect

    parameters = inspect.signature(cls.__init__).parameters.values()
    return any(p.default is p.empty and p.name != "self" and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)


def _taken(transformer: Any, features: Features) -> Any:
    """Return the matrix as a transformer takes it; raises DataError naming features with missing values."""
    import numpy as np
    from sklearn.utils import get_tags

    tags = get_tags(transformer).input_tags
    X: Any = features.X
    if not isinstance(X, np.ndarray):
        if tags.sparse and np.isfinite(X.data).all():
            return X
        require_memory(*features.shape)
        X = X.toarray()
    gaps = np.flatnonzero(~np.isfinite(X).all(axis=0))
    if len(gaps) and not (tags.allow_nan and not np.isinf(X).any()):
        shown = ", ".join(features.names[place] for place in gaps[:5])
        raise DataError(
            f"{type(transformer).__name__} takes no missing values, and {shown} have some",
            hint="featurizer.tabular.missing=zero, or transform=[impute]",
        )
    return X


@contextmanager
def _refusals_told(name: str) -> Iterator[None]:
    """Make a DataError of what a transformer says against rows, and let its warnings pass: it does not know features' names."""
    import warnings

    from sklearn.utils._param_validation import InvalidParameterError

    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except InvalidParameterError:
        raise
    except ValueError as error:
        raise DataError(f"{name} does not take these rows: {str(error).strip().splitlines()[0]}") from error


def _kept(transformer: Any, class_name: str) -> str:
    """Return a transformer as text; raises ConfigError for one that skops would not read without being told to."""
    from base64 import b64encode

    from ..archive import skops_io
    from ..packagers import OWN_TYPES

    content = skops_io().dumps(transformer)
    unknown = set(skops_io().get_untrusted_types(data=content)) - set(OWN_TYPES)
    if unknown:
        told = f"'{class_name}' holds {', '.join(sorted(unknown))}, which a package does not bring without code"
        _refuse("featurizer.sklearn.class_name", told)
    return b64encode(_settled(content)).decode()


def _settled(content: bytes) -> bytes:
    """Return a skops file without what differs from one writing to the next: places in memory, and the time."""
    import io
    import re
    import zipfile

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = members.pop("schema.json").decode()
    numbers: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return found[1] + numbers.setdefault(found[2], str(len(numbers) + 1))

    schema = re.sub(r'("__id__": |"file": ")(\d+)', numbered, schema)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("schema.json"), schema)
        for name, held in sorted(
            (numbers[name.partition(".")[0]] + f".{name.partition('.')[2]}", one) for name, one in members.items()
        ):
            archive.writestr(zipfile.ZipInfo(name), held)
    return out.getvalue()


def _restored(state: str) -> Any:
    """Return a transformer from its text; raises StoreError for a damaged one, or one that would build other types."""
    from base64 import b64decode
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from ..archive import check_archive, skops_io
    from ..packagers import OWN_TYPES

    skops = skops_io()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "transformer.skops"
        try:
            file.write_bytes(b64decode(state, validate=True))
            check_archive(file)
            found = skops.get_untrusted_types(file=file)
            if set(found) - set(OWN_TYPES):
                raise StoreError(f"a fitted transformer builds types that are not trusted: {', '.join(sorted(found))}")
            made = skops.load(file, trusted=found)
        except StoreError:
            raise
        except Exception as error:  # skops raises whatever a part raises that does not fit the others
            raise StoreError(f"a fitted transformer cannot be read: {error}") from error
    if type(made) not in allowed_transformers().values():
        raise StoreError(f"a fitted transformer is a {type(made).__name__}, which may not be named")
    return made


def _refuse(path: str, message: str) -> NoReturn:
    raise ConfigError("bad config for featurizer 'sklearn'", [Problem(path, message)])
