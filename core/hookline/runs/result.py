"""A run that has ended: its numbers, its evidence, and its model."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.frames import to_polars
from hookline.errors import DataError, HooklineError, StoreError, UsageError
from hookline.kinds.deployments import Trust
from hookline.kinds.fitted import Prediction
from hookline.kinds.plain import from_json
from hookline.kinds.reports import HEADLINES, Metric, Metrics, worst_first
from hookline.registry.cells import cell

if TYPE_CHECKING:
    import polars as pl

    from hookline.packages.loading import LoadedPackage
    from hookline.registry.registry import Registry

    from .execution import Execution


@dataclass(frozen=True)
class Run:
    """A run that has ended: its numbers, its evidence, and its model.

    Example:
        >>> import hookline as hl
        >>> run = hl.run(source="iris", trainer="logistic_regression")  # doctest: +SKIP
        >>> run.metrics["accuracy"]  # doctest: +SKIP
        0.95
    """

    id: str
    path: Path
    evidence: Mapping[str, Any] = field(repr=False)
    load_predictor: Callable[[], Any] | None = field(default=None, repr=False, compare=False)
    execution: Execution | None = field(default=None, repr=False, compare=False)
    """The run as it was executed, where that was in this process."""

    @cached_property
    def predictor(self) -> Any:
        """The run's own pipeline, or its package; read when it is first asked for. None where the run kept neither."""
        return None if self.load_predictor is None else self.load_predictor()

    @property
    def status(self) -> str:
        """Return finished, gated, pruned, failed or interrupted."""
        return str(self.evidence["run"]["status"])

    @property
    def metrics(self) -> dict[str, float]:
        """The evaluators' metrics by name, and as `folds.NAME` their means over folds where there are folds."""
        return metrics_in(self.evidence)

    @property
    def baseline(self) -> dict[str, float]:
        """What a constant guess (most frequent class and class shares, or mean) has on the held-out rows, by metric."""
        return self._beside("baseline")

    @property
    def training(self) -> dict[str, float]:
        """What the model has on rows that it was fitted to, at most 2,000 of them, by metric."""
        return self._beside("training")

    def _beside(self, what: str) -> dict[str, float]:
        reports = [report for report in self.evidence["reports"] if report["kind"] == "evaluator"]
        metrics = [metric for report in reports for metric in report["metrics"]]
        return {metric["name"]: float(metric[what]) for metric in metrics if what in metric}

    @property
    def gates(self) -> pl.DataFrame:
        """Return one row a gate and metric: metric, said, value, bound, passed, told; of a run that was judged by them."""
        import polars as pl

        types = {"metric": pl.String, "said": pl.String, "value": pl.Float64, "bound": pl.Float64}
        types |= {"passed": pl.Boolean, "told": pl.String}
        return pl.DataFrame(self.evidence.get("gates", []), schema=types)

    @property
    def folds(self) -> pl.DataFrame:
        """Return one row a fold: repeat, fold, train and test rows, and each metric; empty where the run has no folds."""
        return self._table("folds", "every fold")

    @property
    def repeats(self) -> pl.DataFrame:
        """Return one row a fit: repeat, seed, whether it is packaged, and each metric; empty where none was repeated."""
        return self._table("repeats", "every repeat")

    def _table(self, kind: str, name: str) -> pl.DataFrame:
        import polars as pl

        tables = [table for one in self.evidence["reports"] if one["kind"] == kind for table in one["tables"]]
        each = next((table for table in tables if table["name"] == name), {"columns": (), "rows": ()})
        return pl.DataFrame([dict(zip(each["columns"], row, strict=True)) for row in each["rows"]])

    @property
    def headline(self) -> float | None:
        """The metric that heads the report."""
        return next((self.metrics[name] for name in (*HEADLINES, *self.metrics) if name in self.metrics), None)

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What was noticed in fitting, by the audit, evaluators and monitors, worst first."""
        found = [finding for report in self.evidence["reports"] for finding in report["findings"]]
        return worst_first([*self.evidence["remarks"], *found], itemgetter("severity"))

    def stages(self) -> pl.DataFrame:
        """Return one row a stage: key, component, status, seconds, why, summary."""
        import polars as pl

        names = ("key", "component", "status", "seconds", "why", "summary")
        return pl.DataFrame([{name: stage[name] for name in names} for stage in self.evidence["plan"]])

    @property
    def cleaning(self) -> pl.DataFrame:
        """Return one row a transform: rows in and out, dropped, added and changed, cells changed, and in which columns."""
        from hookline.data.cleaning.ledger import CleaningEntry, CleaningLedger

        entries = (from_json(CleaningEntry, entry) for entry in self.evidence.get("cleaning", ()))
        return CleaningLedger(tuple(entries)).frame()

    def predict(self, frame: Any) -> Prediction:
        """Predict raw rows (polars or pandas frame, or a list of mappings) with the run's own pipeline."""
        if self.predictor is None:
            raise UsageError(f"run {self.id} has no model to predict with: it is {self.status}, or kept no package")
        try:
            prediction: Prediction = self.predictor.predict(to_polars(frame))
        except HooklineError as error:
            if error.ailment:
                from hookline.registry.remedies import TRAIN, add_remedies

                add_remedies(error, self._registry().remedies, self.evidence["config"], lead=TRAIN)
            raise
        return prediction

    def package(self, name: str | None = None) -> Path:
        """Return a package's folder by its key in config (default: the first there); raises UsageError if there is none."""
        folders = package_folders(self.path, self.evidence)
        chosen = [folder for folder in folders if name in (None, folder.name)]
        if not chosen:
            known = ", ".join(folder.name for folder in folders) or "none"
            raise UsageError(
                f"run {self.id} has no package '{name or ''}'; there is {known}",
                hint=packaging(self._registry(), self.evidence),
            )
        return chosen[0]

    def _registry(self) -> Registry:
        from hookline.registry.registry import load_registry

        return load_registry() if self.execution is None else self.execution.registry

    @property
    def report(self) -> Path:
        """The path of report.html."""
        return self.path / "report.html"

    def _repr_html_(self) -> str:
        path = str(self.report) if self.report.is_file() else None
        return cell("report", {**self.evidence, "path": path}, self._plain_html())

    def _plain_html(self) -> str:
        beside = (self.metrics, self.baseline, self.training)
        cells = {name: [f"{found[name]:.4g}" if name in found else "" for found in beside] for name in self.metrics}
        head = "<tr><th></th><th>held-out rows</th><th>constant guess</th><th>training rows</th></tr>"
        rows = head + "".join(
            f"<tr><td>{escape(name)}</td>{''.join(f'<td>{text}</td>' for text in texts)}</tr>"
            for name, texts in cells.items()
        )
        headline = escape(self.evidence["verdict"]["headline"])
        return f"<h4>{headline}</h4><p>run {escape(self.id)}: {escape(self.status)}</p><table>{rows}</table>"


def metrics_in(evidence: Mapping[str, Any]) -> dict[str, float]:
    """Return the evaluators' metrics that evidence tells of, by name, and their means over folds where there are folds."""
    return measured_in(evidence, "evaluator", "folds").numbers()


def measured_in(evidence: Mapping[str, Any], *kinds: str) -> Metrics:
    """Return the metrics that evidence tells of, with their intervals: those of evaluators, or of some kinds of stages."""
    reports = [report for report in evidence["reports"] if report["kind"] in (kinds or ("evaluator",))]
    # JSON has no word for a number that is not finite, so it stands there as text, which `from_json` reads.
    return Metrics(tuple(from_json(Metric, metric) for report in reports for metric in report["metrics"]))


def packaging(registry: Registry, evidence: Mapping[str, Any]) -> str | None:
    """Return what to run again with, so that there is a package: the packagers that take the trainer's model."""
    from hookline.packages.pipeline import Pipeline
    from hookline.registry.ports import ports, takers

    trainers = [stage["component"] for stage in evidence["plan"] if stage["kind"] == "trainer"]
    if not trainers or ("trainer", trainers[0]) not in registry:
        return None
    made: Any = types.GenericAlias(Pipeline, (ports(registry.entry("trainer", trainers[0]).cls).makes,))
    found = takers(registry.classes("packager"), made)
    return f"run it again with {' or '.join(f'packager=[{name}]' for name in found)}" if found else None


def package_folders(folder: Path, evidence: Mapping[str, Any]) -> list[Path]:
    """Return the packages in a run's folder, in the order of its config."""
    keys = [stage["key"].partition(".")[2] for stage in evidence["plan"] if stage["kind"] == "packager"]
    return [folder / "packages" / key for key in keys if (folder / "packages" / key).is_dir()]


def read_evidence(folder: Path) -> dict[str, Any]:
    """Return the evidence in a run's folder; raises DataError where there is none, StoreError where it is damaged."""
    path = folder / "evidence.json"
    try:
        evidence: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return {**evidence, "run": evidence["run"], "plan": evidence["plan"]}
    except FileNotFoundError:
        why = "it was killed before it ended" if folder.is_dir() else f"its folder {folder} is gone"
        raise DataError(
            f"run {folder.name} left no evidence: {why}", hint="run it again; what it computed is kept"
        ) from None
    except (ValueError, LookupError, TypeError) as error:
        raise StoreError(f"{path} is damaged: {error}", hint="run it again; what it computed is kept") from None


def load_run(folder: Path, trust: Trust | None, contract: Path | None) -> Run:
    """Return a run from its folder; raises DataError where it left no evidence, StoreError where that is damaged."""
    from hookline.packages.loading import load_package
    from hookline.registry.registry import load_registry

    evidence = read_evidence(folder)
    packages = package_folders(folder, evidence)

    def predictor() -> LoadedPackage:
        return load_package(packages[0], load_registry(), trust, contract)

    return Run(evidence["run"]["id"], folder, evidence, predictor if packages else None)
