"""The skops packager, which reads only types it trusts, and the pickle packager, which the caller must allow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hookline import Model, Package, Packager, Pipeline, Predictor, SklearnModel, Stored, Trust
from hookline.errors import DataError, StoreError, UntrustedPackage
from hookline.packages.manifest import read_value
from hookline.registry.own import public_name

from .archive import check_archive, renamed, skops_io
from .models import model_of
from .trees import require_sound_trees

OWN_TYPES = (
    "hookline.kinds.sklearn_model.SklearnModel",
    "hookline_sklearn.trainers.around.estimators.BalancedClassifier",
    "hookline_sklearn.trainers.around.estimators.LogTargetRegressor",
    # Containers of numbers that trees and calibrations are made of; none of them carries code of its own.
    "sklearn.tree._tree.Tree",
    "sklearn._loss._loss.CyAbsoluteError",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn._loss._loss.CyHalfMultinomialLoss",
    "sklearn._loss._loss.CyHalfSquaredError",
    "sklearn._loss._loss.CyPinballLoss",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.AbsoluteError",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss.loss.PinballLoss",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "numpy.random._pickle.__bit_generator_ctor",
    "numpy.random._pickle.__randomstate_ctor",
)
"""Types of scikit-learn beyond skops' own list that a file may build without being named by the caller."""


MOVED = {
    "hookline.models": "hookline.kinds.sklearn_model",
    "hookline_torch.torch_model": "hookline_torch.model",
}
"""Module that packages of format 1 name in a pickle -> where its classes are now."""


class SkopsPackager(Packager):
    """A scikit-learn model in skops' format, which is read type by type and runs no code of the file."""

    name = "skops"
    extra = "sklearn"
    tolerance = 0.0
    native = True

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn", "skops")

    def save(self, pipeline: Pipeline[SklearnModel], path: Path) -> Package:
        """Write model.skops."""
        import json

        model = pipeline.model
        whole = model.estimator if model.ends is None else [model.estimator, *(end.estimator for end in model.ends)]
        file = path / "model.skops"
        skops_io().dump(whole, file)
        # Of a class that came with another package the file says the name by which people know it.
        made = renamed(file, public_name)
        if made is not None:
            file.write_bytes(made)
        (path / "features.json").write_text(json.dumps(pipeline.model.feature_names), "utf-8")
        return Package(path, self.name)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        """Read the model; raises UntrustedPackage naming each type that nobody trusts, StoreError for a damaged file."""
        import io

        skops = skops_io()
        path = stored.path
        file, names = path / "model.skops", feature_names(path / "features.json")
        check_archive(file)
        try:
            mapped = renamed(file, stored.imported_as)
            held = file if mapped is None else io.BytesIO(mapped)
            found = skops.get_untrusted_types(file=held)
            known = set(map(public_name, found))
            unknown = [] if trust.everything else sorted(known - set(OWN_TYPES) - trust.types)
            if unknown:
                raise UntrustedPackage(
                    f"package {path} builds types that are not trusted: {', '.join(map(_quoted, unknown))}",
                    hint=f"if you know them: hl.load(path, trust=hl.Trust(types=frozenset({set(unknown)!r}))), or --trust-type",
                )
            estimator = skops.load(held, trusted=found)
        except UntrustedPackage:
            raise
        except Exception as error:  # skops raises whatever a part raises that does not fit the others
            raise StoreError(f"{file} cannot be read: {_first_line(error)}") from error
        require_sound_trees(estimator, len(names), file)
        return stored.around(_model_in(estimator, names, file))


def _model_in(found: Any, names: tuple[str, ...], file: Path) -> SklearnModel:
    """Return the model of an estimator, or of one with those of two quantiles."""
    if not isinstance(found, list):
        return model_of(found, names)
    if len(found) != 3:
        raise StoreError(f"{file} is damaged: it holds {len(found)} models, where a model has one or three")
    middle, low, high = (model_of(one, names) for one in found)
    return replace(middle, ends=(low, high))


def feature_names(file: Path) -> tuple[str, ...]:
    """Read the names of a model's features; raises StoreError where they are missing, or are no texts."""
    names = read_value(file)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise StoreError(f"{file} is damaged: it is not a list of names")
    return tuple(names)


def _quoted(name: str) -> str:
    return name if name.isprintable() else ascii(name)


def _first_line(error: Exception) -> str:
    return _quoted(f"{type(error).__name__}: {error}".partition("\n")[0][:300])


class PicklePackager(Packager):
    """Any model as a pickle; reading it can run anything, so the caller must allow it."""

    name = "pickle"
    tolerance = 0.0
    native = True

    def save(self, pipeline: Pipeline[Model], path: Path) -> Package:
        """Write model.pkl; raises DataError where the model cannot be pickled."""
        import pickle

        try:
            (path / "model.pkl").write_bytes(pickle.dumps(pipeline.model, protocol=5))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise DataError(f"the model cannot be pickled: {error}") from error
        return Package(path, self.name)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        """Unpickle the model where `trust` allows it; else raises UntrustedPackage."""
        import pickle

        path = stored.path
        if not (trust.pickle or trust.everything):
            raise UntrustedPackage(
                f"package {path} is a pickle, which can run any code when it is read",
                hint="if you trust where it comes from: --allow-pickle, HOOKLINE_ALLOW_PICKLE=1 or hl.Trust(pickle=True)",
            )
        try:
            model: Any = _unpickled((path / "model.pkl").read_bytes(), stored)
        except (ImportError, AttributeError) as error:
            raise StoreError(
                f"{path / 'model.pkl'} holds a class that is not here: {error}",
                hint="read it with what it was made with (see `environment` in manifest.json), or run it again",
            ) from error
        except (OSError, pickle.UnpicklingError, EOFError) as error:
            raise StoreError(f"{path / 'model.pkl'} cannot be read: {error}") from error
        if not isinstance(model, Model):
            raise StoreError(f"{path / 'model.pkl'} holds a {type(model).__name__}, not a model")
        if type(model) is SklearnModel:
            # A package may have been written before more was known of some estimators.
            return stored.around(replace(model_of(model.estimator, model.feature_names), ends=model.ends))
        return stored.around(model)


def _unpickled(content: bytes, stored: Stored) -> Any:
    """Read a pickle, also one that names a class by the module where it stood before, or of code that travels with it."""
    import io
    import pickle

    class Reader(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            return super().find_class(stored.imported_as(MOVED.get(module, module)), name)

    return Reader(io.BytesIO(content)).load()
