"""Working components of the kinds that judge a model, ship it and watch it."""

from __future__ import annotations

EVALUATOR = '''\
"""The evaluator `@COMPONENT@`."""

from __future__ import annotations

from hookline import Evaluator, Metric, Report, Scored


class @CLASS@(Evaluator):
    """The share of rows that are answered wrongly."""

    name = "@COMPONENT@"
    tasks = frozenset({"binary", "multiclass"})

    def evaluate(self, scored: Scored) -> Report:
        """Compare answers with the truth, each row counting as much as its weight."""
        import numpy as np

        wrong = scored.prediction().values != scored.truth()
        share = float(np.average(wrong, weights=scored.weight()))
        return Report("Errors", (Metric("error_rate", share, greater_is_better=False),))
'''

PACKAGER = '''\
"""The packager `@COMPONENT@`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hookline import Model, Package, Packager, Pipeline, Predictor, Stored, Trust
from hookline.errors import UntrustedPackage


class @CLASS@(Packager):
    """Any model as a compressed pickle."""

    name = "@COMPONENT@"
    native = True
    tolerance = 0.0

    def save(self, pipeline: Pipeline[Model], path: Path) -> Package:
        """Write model.pkl.xz."""
        import lzma
        import pickle

        (path / "model.pkl.xz").write_bytes(lzma.compress(pickle.dumps(pipeline.model)))
        return Package(path, self.name)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        """Read it where `trust` allows pickles; else raises UntrustedPackage."""
        import lzma
        import pickle

        if not (trust.pickle or trust.everything):
            raise UntrustedPackage(f"package {stored.path} is a pickle", hint="if you trust it: hl.Trust(pickle=True)")
        model: Any = pickle.loads(lzma.decompress((stored.path / "model.pkl.xz").read_bytes()))
        return stored.around(model)
'''

DEPLOYER = '''\
"""The deployer `@COMPONENT@`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from annotated_types import Gt, Interval

from hookline import Deployer, Deployment, Package, Route, Seen


class @CLASS@(Deployer):
    """Give the new version a share of the traffic; all of it once it has answered well, and none where it has not."""

    name = "@COMPONENT@"
    share: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    """Share of the traffic for the new version."""
    requests: Annotated[int, Gt(0)] = 1_000
    """How many requests of it decide."""
    most_errors: Annotated[float, Interval(ge=0, le=1)] = 0.01
    """Largest share of errors among them that is well."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        """Return the first policy; the first version ever gets everything."""
        version = package.version or 1
        if current is None or current.version == version:
            return Deployment.single(package.name, version, self.name)
        champion = current.version
        routes = (Route(champion, 1 - self.share), Route(version, self.share))
        return Deployment(package.name, champion, routes, self.name, {"champion": champion, "challenger": version})

    def follow(self, policy: Deployment, seen: Mapping[int, Seen], now: datetime) -> Deployment | None:
        """Return the last policy once the new version has answered enough requests."""
        challenger = policy.aliases.get("challenger")
        found = seen.get(challenger) if challenger is not None else None
        if challenger is None or found is None or found.requests < self.requests:
            return None
        failed = found.errors / found.requests
        winner = challenger if failed <= self.most_errors else policy.version
        reason = f"{failed:.2%} of {found.requests} requests of version {challenger} failed."
        return replace(Deployment.single(policy.model, winner, self.name), step=policy.step + 1, reason=reason)
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
