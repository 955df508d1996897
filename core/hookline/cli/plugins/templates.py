"""What `hookline plugins new` writes; words between @ are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Template:
    """A working component of one kind."""

    name: str
    cls: str
    code: str
    use: str
    """A command line that runs it."""
    needs: tuple[str, ...] = ()
    """Requirements beyond hookline."""


PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "@DISTRIBUTION@"
version = "0.1.0"
description = "A @KIND@ for hookline."
readme = "README.md"
requires-python = ">=3.11"
dependencies = [@DEPENDENCIES@]

[project.optional-dependencies]
dev = ["pytest>=8.3"]

# The key is the plugin's name: its components are called `@NAME@.<name>`.
[project.entry-points.hookline]
@NAME@ = "@MODULE@"

[tool.hatch.build.targets.wheel]
packages = ["src/@MODULE@"]

[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = "--import-mode=importlib"
"""

README = """\
# @DISTRIBUTION@

The @KIND@ `@COMPONENT@` for [hookline](https://pypi.org/project/hookline/).

```
pip install @DISTRIBUTION@
hookline components show @KIND@ @COMPONENT@
@USE@
```

To work on it:

```
pip install --editable '.[dev]'
pytest
hookline plugins check @NAME@
```
"""

CI = """\
name: test
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        python: ["3.11", "3.13"]
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: ${{ matrix.python }}
      - run: pip install --editable '.[dev]'
      - run: pytest
      - run: hookline plugins check @NAME@
"""

INIT = '''\
"""@DISTRIBUTION@: a @KIND@ for hookline."""

from __future__ import annotations

from hookline import @BASE@, hookimpl

from .@LOCAL@ import @CLASS@

__all__ = ["@CLASS@"]


@hookimpl
def register_@KIND@s() -> list[type[@BASE@]]:
    """Return the @KIND@."""
    return [@CLASS@]
'''

TEST = '''\
"""The @KIND@ keeps every promise of its kind."""

import pytest
from @MODULE@ import @CLASS@

from hookline.testing import Check, checks_for


@pytest.mark.parametrize("check", checks_for(@CLASS@()), ids=str)
def test_conforms(check: Check) -> None:
    check()
'''

SOURCE = '''\
"""The source `@COMPONENT@`."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt

from hookline import Dataset, Roles, Source


class @CLASS@(Source):
    """The first numbers with their squares."""

    name = "@COMPONENT@"
    rows: Annotated[int, Gt(1)] = 200
    """How many numbers."""

    def load(self) -> Dataset:
        """Return the rows."""
        import polars as pl

        return Dataset(pl.LazyFrame({"x": range(self.rows)}).with_columns(square=pl.col("x") ** 2.0), name="@LOCAL@")

    def fingerprint(self) -> str:
        """Return a text that changes when the rows do."""
        return f"@LOCAL@-{self.rows}"

    def roles(self) -> Roles:
        """Return the target's name."""
        return Roles(target="square")
'''

TRANSFORM = '''\
"""The transform `@COMPONENT@`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline import Dataset, Transform

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Fitted@CLASS@:
    """The training means: plain data, so that JSON can carry them."""

    means: Mapping[str, float]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Subtract the means from the columns that are there."""
        import polars as pl

        held = set(frame.collect_schema().names())
        return frame.with_columns(pl.col(name) - mean for name, mean in self.means.items() if name in held)


class @CLASS@(Transform):
    """Subtract the training mean from numbers."""

    name = "@COMPONENT@"
    columns: tuple[str, ...] = ()
    """Columns to center; by default every fraction among the features."""

    def fit(self, train: Dataset) -> Fitted@CLASS@:
        """Learn the means, in one pass."""
        import polars as pl

        schema = train.frame.collect_schema()
        names = self.columns or [name for name in train.feature_columns() if schema[name].is_float()]
        means = train.frame.select(pl.col(name).mean() for name in names).collect().row(0, named=True)
        return Fitted@CLASS@({name: mean for name, mean in means.items() if mean is not None})
'''

FEATURIZER = '''\
"""The featurizer `@COMPONENT@`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline import Dataset, Feature, Features, Featurizer
from hookline.errors import DataError

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Fitted@CLASS@:
    """The columns that are taken: plain data, so that JSON can carry them."""

    features: tuple[Feature, ...]

    def transform(self, frame: pl.LazyFrame) -> Features:
        """Return the matrix: float32, (n_rows, n_features), missing values as 0."""
        import polars as pl

        columns = [pl.col(feature.name).cast(pl.Float32).fill_null(0) for feature in self.features]
        return Features(frame.select(columns).collect().to_numpy(), self.features)


class @CLASS@(Featurizer):
    """Numbers and booleans as they are, missing ones as 0."""

    name = "@COMPONENT@"

    def fit(self, train: Dataset) -> Fitted@CLASS@:
        """Choose the columns; raises DataError where there is none."""
        import polars as pl

        schema = train.frame.collect_schema()
        names = [n for n in train.feature_columns() if schema[n].is_numeric() or schema[n] == pl.Boolean]
        if not names:
            raise DataError("@COMPONENT@ needs a number or a boolean among the features")
        return Fitted@CLASS@(tuple(Feature(n, "float32", (n,), f"{n}, 0 where missing") for n in names))
'''

TRAINER = '''\
"""The trainer `@COMPONENT@`."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt

from hookline import Features, SklearnModel, Trainer
from hookline.errors import DataError


class @CLASS@(Trainer):
    """Predict the label of the closest training rows."""

    name = "@COMPONENT@"
    tasks = frozenset({"binary", "multiclass"})
    neighbors: Annotated[int, Gt(0)] = 5
    """How many training rows are asked."""

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        """Remember the training rows; raises DataError for weights and missing values, which it cannot take."""
        import numpy as np
        from sklearn.neighbors import KNeighborsClassifier

        if train.sample_weight is not None:
            raise DataError("trainer '@COMPONENT@' takes no sample weights", hint="leave roles.weight out")
        gaps = ~np.isfinite(train.X).all(axis=0) if isinstance(train.X, np.ndarray) else ~np.isfinite(train.X.data)
        if gaps.any():
            raise DataError("trainer '@COMPONENT@' takes no missing values", hint="add transform=[impute]")
        return SklearnModel.of(KNeighborsClassifier(self.neighbors).fit(train.X, train.y), train)
'''

EVALUATOR = '''\
"""The evaluator `@COMPONENT@`."""

from __future__ import annotations

from hookline import Dataset, Evaluator, Metric, Model, Pipeline, Report


class @CLASS@(Evaluator):
    """The share of rows that are predicted wrongly."""

    name = "@COMPONENT@"
    tasks = frozenset({"binary", "multiclass"})

    def evaluate(self, pipeline: Pipeline[Model], test: Dataset) -> Report:
        """Compare predictions with the truth."""
        wrong = pipeline.predict(test.frame).values != pipeline.truth(test.frame)
        return Report("Errors", (Metric("error_rate", float(wrong.mean()), greater_is_better=False),))
'''

PACKAGER = '''\
"""The packager `@COMPONENT@`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hookline import Model, Package, Packager, Pipeline, Predictor, Trust
from hookline.errors import UntrustedPackage


class @CLASS@(Packager):
    """Any model as a compressed pickle."""

    name = "@COMPONENT@"
    tolerance = 0.0

    def save(self, pipeline: Pipeline[Model], path: Path) -> Package:
        """Write model.pkl.xz."""
        import lzma
        import pickle

        (path / "model.pkl.xz").write_bytes(lzma.compress(pickle.dumps(pipeline.model)))
        return Package(path, self.name)

    def load(self, path: Path, trust: Trust) -> Predictor:
        """Read it where `trust` allows pickles; else raises UntrustedPackage."""
        import lzma
        import pickle

        from hookline.packages.state import read_pipeline

        if not (trust.pickle or trust.everything):
            raise UntrustedPackage(f"package {path} is a pickle", hint="if you trust it: hl.Trust(pickle=True)")
        model: Any = pickle.loads(lzma.decompress((path / "model.pkl.xz").read_bytes()))
        return read_pipeline(path, model)
'''

DEPLOYER = '''\
"""The deployer `@COMPONENT@`."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Interval

from hookline import Deployer, Deployment, Package
from hookline.kinds.deployments import Route


class @CLASS@(Deployer):
    """Give the new version a share of the traffic, and the current champion the rest."""

    name = "@COMPONENT@"
    share: Annotated[float, Interval(gt=0, le=1)] = 0.1
    """Share of the traffic for the new version."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        """Return the new policy; the first version ever gets everything."""
        version = package.version or 1
        champion = current.aliases.get("champion") if current else None
        if champion is None or champion == version:
            return Deployment.single(package.name, version, self.name)
        routes = (Route(champion, 1 - self.share), Route(version, self.share))
        return Deployment(package.name, routes, self.name, {"champion": champion, "challenger": version})
'''

MONITOR = '''\
"""The monitor `@COMPONENT@`."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt

from hookline import Dataset, Finding, Metric, Monitor, Reference, Report


class @CLASS@(Monitor):
    """Say when there are too few current rows to judge."""

    name = "@COMPONENT@"
    least: Annotated[int, Gt(0)] = 100
    """Fewest rows that are enough."""

    def check(self, current: Dataset, reference: Reference) -> Report:
        """Count the rows."""
        import polars as pl

        rows = float(current.frame.select(pl.len()).collect().item())
        found = ()
        if rows < self.least:
            text = f"There are {rows:.0f} rows, fewer than {self.least}."
            found = (Finding("rows", "count", rows, float(self.least), "warning", text),)
        return Report("Rows", (Metric("rows", rows),), findings=found)
'''

COMPONENTS: Mapping[str, Template] = {
    "source": Template("squares", "SquaresSource", SOURCE, "hookline source=@COMPONENT@ trainer=ridge"),
    "transform": Template(
        "center", "CenterTransform", TRANSFORM, "hookline source=iris 'transform=[@COMPONENT@]' 'packager=[skops]'"
    ),
    "featurizer": Template(
        "plain", "PlainFeaturizer", FEATURIZER, "hookline source=iris featurizer=@COMPONENT@ 'packager=[skops]'"
    ),
    "trainer": Template(
        "nearest", "NearestTrainer", TRAINER, "hookline source=iris trainer=@COMPONENT@", ("scikit-learn>=1.6",)
    ),
    "evaluator": Template(
        "errors", "ErrorsEvaluator", EVALUATOR, "hookline source=iris 'evaluator=[standard,@COMPONENT@]'"
    ),
    "packager": Template("compressed", "CompressedPackager", PACKAGER, "hookline source=iris 'packager=[@COMPONENT@]'"),
    "deployer": Template("share", "ShareDeployer", DEPLOYER, "hookline source=iris deployer=@COMPONENT@"),
    "monitor": Template("few_rows", "FewRowsMonitor", MONITOR, "hookline source=iris 'monitor=[@COMPONENT@]'"),
}
"""Kind -> what a new plugin of that kind brings."""
