"""A project whose own classes have one body today and another tomorrow, and a home with versions that were made with both."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import hookline as hl

THEN, NOW = 2.0, -3.0
"""What the project's classes go by when the first version is made, and the second."""
KEY = "the key of whoever made it"
ROWS = "".join(["x,kind\n", *(f"{n}.5,{'ab'[n > 30]}\n" for n in range(60))])
FILES = {
    "__init__.py": """
import hookline as hl

from .models import CutTrainer
from .parts import LiftTransform


@hl.hookimpl
def register_transforms():
    return [LiftTransform]


@hl.hookimpl
def register_trainers():
    return [CutTrainer]
""",
    "parts.py": '''
from collections.abc import Mapping
from typing import Any

from hookline import Transform

from . import rates


class LiftTransform(Transform):
    """A column as the shop counts it."""

    name = "lift"

    def transform(self, frame: Any) -> Any:
        import polars as pl

        return frame.with_columns(pl.col("x") * rates.FACTOR)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        return {**inputs, "x": op.mul(inputs["x"], op.const(np.array([rates.FACTOR])))}
''',
    "rates.py": "FACTOR = {factor}\n",
    "models.py": '''
from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from hookline import Features, SklearnModel, Trainer


class Cut(ClassifierMixin, BaseEstimator):
    """One class on either side of a mean, as sure as the shop is."""

    def fit(self, X, y):
        self.classes_, self.cut_ = np.unique(y), float(X[:, 0].mean())
        return self

    def predict_proba(self, X):
        from {name}.rates import FACTOR

        sure, above = 0.5 + abs(FACTOR) / 10, (X[:, 0] - self.cut_) * FACTOR > 0
        return np.column_stack([np.where(above, 1 - sure, sure), np.where(above, sure, 1 - sure)])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class CutTrainer(Trainer):
    """Cuts, and moves on with each batch."""

    name = "cut"

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        return SklearnModel.fitted(Cut(), train)

    def update(self, model: SklearnModel, batch: Features) -> SklearnModel:
        if not isinstance(model.estimator, Cut):
            raise TypeError(f"no Cut, but {model.estimator!r}")
        return replace(model, estimator=Cut().fit(batch.dense(), batch.y))
''',
}


@dataclass(frozen=True)
class Project:
    """A folder with a package of the project's own."""

    folder: Path
    name: str
    files: Mapping[str, str] = field(default_factory=lambda: FILES)

    def says(self, factor: float) -> None:
        """Have the classes go by another number from now on, where they are imported anew."""
        (self.folder / self.name).mkdir(exist_ok=True)
        for file, text in self.files.items():
            told = text.replace("{factor}", str(factor)).replace("{name}", self.name)
            (self.folder / self.name / file).write_text(told)

    def forget(self) -> None:
        """Have this process import the classes anew."""
        for name in [name for name in sys.modules if name.partition(".")[0] == self.name]:
            del sys.modules[name]
        importlib.invalidate_caches()

    def make(self, factor: float, home: Path, **models: Mapping[str, Any]) -> None:
        """Make a version of each of some models with one body of the classes. models: name -> what `run` is given"""
        self.says(factor)
        with self.here(home):
            for name, config in models.items():
                told = {"source": str(self.folder / "rows.csv"), "target": "kind", "name": name, "deployer": "local"}
                hl.run(**{**told, **PLAIN, **config})

    @contextmanager
    def here(self, home: Path) -> Iterator[None]:
        """Have the classes importable in this process, and a home at hand."""
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(self.folder))
            # What Python compiled of one body may be taken for the other, which is as long and as old.
            patch.setattr(sys, "dont_write_bytecode", True)
            self.forget()
            for name, value in self.environment(home).items():
                patch.setenv(name, value)
            yield
        self.forget()

    def environment(self, home: Path) -> dict[str, str]:
        """Return the variables by which a process finds the classes and the home."""
        told = {"HOOKLINE_HOME": str(home), "HOOKLINE_PLUGINS": self.name, "HOOKLINE_STORE_KEY": KEY}
        return told | {"PYTHONPATH": os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])}


PLAIN: dict[str, Any] = {"monitor": [], "evaluator": [], "transform": ["lift"]}


def project_at(folder: Path, name: str, files: Mapping[str, str] = FILES) -> Project:
    """Return a project in a folder, with rows to learn."""
    (folder / "rows.csv").write_text(ROWS)
    return Project(folder, name, files)
