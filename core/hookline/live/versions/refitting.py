"""A finished run's pipeline fitted again to all of its rows, as a version that claims what the run measured before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hookline.data.frames import count_rows
from hookline.errors import UsageError
from hookline.kinds.kinds import Packager
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Metric, Metrics
from hookline.packages.manifest import PROFILE, is_whole, verify
from hookline.packages.state import StoredPackage
from hookline.packages.writing import place, write_another
from hookline.registry.registry import load_registry
from hookline.runs.edges import edges_of
from hookline.runs.execution import Execution
from hookline.runs.names import run_of
from hookline.runs.parts import RULES, pipeline_of
from hookline.runs.past.trace import reopen
from hookline.runs.refitting.whole import refitted
from hookline.runs.result import Run
from hookline.workspace.workspace import open_workspace


@dataclass(frozen=True)
class Refit:
    """A version whose pipeline was fitted to all rows of a run.

    run: the first of the runs that give this version
    rows: how many it learned; held_out: how many of them the run had held out
    claimed: what the run measured on these, of the pipeline that had not learned them; nothing can measure this one there
    """

    model: str
    version: int
    path: Path
    run: str
    rows: int
    held_out: int
    claimed: Metrics

    @property
    def told(self) -> str:
        """Say what it learned and what it claims, in a sentence."""
        head = self.claimed.headline()
        learned = f"{self.model}:{self.version} was fitted as run {self.run} was, to all {self.rows:,} rows"
        if head is None:
            return learned
        reach = "" if head.low is None else f" [{head.low:.4g}, {head.high:.4g}]"
        return (
            f"{learned}; {head.name} {head.value:.4g}{reach} is what the run measured on the {self.held_out:,} that it held "
            "out, before this model learned them"
        )


def refit(
    run: str | Path | Run,
    package: str | None = None,
    *,
    on_fit: Callable[[int, str], None] | None = None,
    home: str | Path | None = None,
) -> Refit:
    """Fit a finished run's pipeline again to all of its rows, and register it as a version that nothing points to.

    Transforms, featurizers and model are fitted to training, validation and held-out rows alike. A decision's threshold and
    the width of intervals and sets stay as the run chose them, since no row is left to choose them on. The metrics that the
    version claims are the run's own, of the pipeline before; its manifest says so under `refitted_from`. The same run
    refitted twice is the same version.

    run: `last`, an id, its first letters, a run's folder, or a run; package: its key in the config (default: the first there)
    on_fit: told of the rows and the trainer before the fit begins
    Raises UsageError where the run did not finish or has no such package, DataError where its data or code have changed
    since, ExportError where the new package answers otherwise than its pipeline, and StoreError for a damaged one.
    """
    found = run if isinstance(run, Run) else run_of(run, home=home)
    if found.status != "finished":
        raise UsageError(
            f"run {found.id} is {found.status}, and only a finished one is refitted",
            hint=f"hookline runs show {found.id}",
        )
    registry, workspace, folder = load_registry(), open_workspace(home), found.package(package)
    manifest, stored = verify(folder), StoredPackage(folder, registry)
    past = found.execution or reopen(registry, workspace, found.id, found.path)
    whole = refitted(past, found, {key: getattr(stored, key) for key in RULES})
    packager = cast("Packager", past.plan[f"packager.{folder.name}"].component)
    name, fingerprint = str(manifest["name"]), _fingerprint(whole, found, folder.name)
    with workspace.package_place(name, fingerprint) as path:
        if not is_whole(path):
            with whole.scratch_folder(), workspace.store.scratch() as scratch:
                made = scratch / "package"
                made.mkdir()
                if on_fit is not None:
                    on_fit(count_rows(whole.value("split").train.frame), whole.plan.of("trainer")[0].name)
                _write(whole, packager, found.id, folder, manifest, made)
                place(made, path)
        version = workspace.catalog.models.register(
            name, found.id, str(path), packager.name, found.metrics, fingerprint
        )
    facts = verify(path)
    claimed = Metrics(tuple(from_json(Metric, metric) for metric in facts["metrics"]))
    told = facts["refitted_from"]
    return Refit(name, version, path, told["run"], told["rows"], told["held_out"], claimed)


def _fingerprint(whole: Execution, run: Run, package: str) -> str:
    """Return what the version is known by: the model's own stage, what it decides by, and the package that it comes of.

    That of the run's package, as it was made, says its contract, monitors, explainers and evaluators too.
    """
    made = [stage.fingerprint for stage in whole.plan.of("trainer")]
    rules = [to_json(whole.value(stage.key)) for stage in whole.plan.of(*RULES)]
    packaged = next(stage["fingerprint"] for stage in run.evidence["plan"] if stage["key"] == f"packager.{package}")
    told = json.dumps(["refitted", made, rules, packaged], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _write(
    whole: Execution, packager: Packager, run: str, source: Path, manifest: Mapping[str, Any], folder: Path
) -> None:
    """Write the new package, certified on the rows that the run's own was certified on."""
    pipeline, split = pipeline_of(whole), whole.value("split")
    names = ("name", "trainer", "monitors", "monitor_fields", "explainers", "metrics", "data", "reading")
    rows = {"rows": count_rows(split.train.frame), "held_out": count_rows(split.test.frame)}
    facts = {name: manifest[name] for name in names if name in manifest} | {"refitted_from": {"run": run, **rows}}
    anew = {PROFILE: json.dumps(to_json(whole.value("knowledge").profile))}
    edges, asked = edges_of(whole, pipeline), split.test.frame
    write_another(whole.registry, packager, pipeline, folder, asked, edges, source, facts, anew=anew)
