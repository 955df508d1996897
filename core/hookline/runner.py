"""Executes a plan: what the store lacks is run, and every step is told to hooks and catalog."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import stages, storing
from .artifacts import Package, Report
from .datasets import record_version
from .deploying import deployed_version
from .errors import ConfigError, GateFailed, HooklineError, Problem, Pruned, StoreError, suggestion
from .evidence import at_hand, build_evidence
from .hookspecs import RunInfo, StageInfo
from .packages import add_files, components_at_hand
from .planning import Knowledge, Plan, Stage, explain
from .registry import Registry
from .split import SplitFacts
from .steps import Curve
from .workspace import Workspace

log = logging.getLogger("hookline.runner")


@dataclass
class Execution:
    """One run under way: the values at hand, and what became of each stage."""

    plan: Plan
    workspace: Workspace
    registry: Registry
    info: RunInfo
    values: dict[str, Any] = field(default_factory=dict)
    told: dict[str, StageInfo] = field(default_factory=dict)
    curve: Curve = field(default_factory=Curve)
    scratch: Path | None = None

    def value(self, key: str) -> Any:
        """Return a stage's output: at hand, from the store, or made now."""
        if key not in self.values:
            stage = self.plan[key]
            self.values[key] = self._stored(stage) if stage.persisted else stages.make(self, stage)
        return self.values[key]

    @contextmanager
    def scratch_folder(self) -> Iterator[None]:
        """Have a scratch folder for the time of this block; then what may read from it is forgotten: rows before the split."""
        try:
            with self.workspace.store.scratch() as self.scratch:
                yield
        finally:
            self.scratch = None
            for stage in self.plan.stages:
                if stage.kind == "source" or stage.applies == "dataset":
                    self.values.pop(stage.key, None)

    def _stored(self, stage: Stage) -> Any:
        store = self.workspace.store
        with store.lock(stage.fingerprint):
            folder = store.get(stage.fingerprint)
            if folder is None:
                note = {"stage": stage.key, "component": stage.name}
                folder = store.put(stage.fingerprint, lambda path: storing.write(self, stage, path), note=note)
            # Read back what was stored, so that a fresh run and a cached one see the very same values.
            return storing.read(self, stage, folder)

    def split_facts(self) -> SplitFacts:
        """Return what is known of the split, without reading its rows where they need not be made."""
        if "split" not in self.values:
            content = self.workspace.store.read(self.plan["split"].fingerprint, storing.SPLIT)
            if content is not None:
                return storing.split_facts(content)
        return SplitFacts.of(self.value("split"))

    def is_stored(self, stage: Stage) -> bool:
        """Tell whether the store holds a stage's output."""
        return stage.persisted and self.workspace.store.has(stage.fingerprint)


def execute(plan: Plan, registry: Registry, workspace: Workspace, run_id: str, folder: Path) -> Execution:
    """Run a plan in its own folder; returns the execution with its values.

    Raises what a stage raised (its own exception, with a note that names the stage), and GateFailed where a gate said no.
    """
    _claim(folder, run_id)
    info = RunInfo(run_id, plan.config.name, folder, plan.config.plain(), plan.config.settings)
    run = Execution(plan, workspace, registry, info)
    _write_json(folder / "config.json", info.config)
    workspace.catalog.mark_interrupted()
    workspace.catalog.begin_run(run_id, info.name, str(folder), info.config, _plan_record(plan))
    hooks = registry.plugins.manager.hook
    started = time.time()
    status = "failed"
    error: BaseException | None = None
    try:
        _tell(hooks.before_run, run=run.info)
        classes = {(s.kind, s.name): type(s.component) for s in plan.stages if s.component}
        with components_at_hand(classes), run.scratch_folder():
            _run_stages(run)
        status = "finished"
    except GateFailed as failed:
        status, error = "gated", failed
        raise
    except Pruned as stopped:
        status, error = "pruned", stopped
        raise
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    except BaseException as failed:
        error = failed
        raise
    finally:
        _finish(run, status, error, started)
    return run


def _run_stages(run: Execution) -> None:
    decided = run.plan.needed(stage.key for stage in run.plan.stages if run.is_stored(stage))
    for index, stage in enumerate(run.plan.stages, 1):
        if stage.kind == "deployer":
            check_gates(run)
        here = StageInfo(stage.key, stage.name, index, len(run.plan.stages))
        if decided[stage.key] == "run":
            _run_stage(run, stage, here)
        else:
            status = decided[stage.key]
            _told(run, stage, replace(here, status=status, why=_why_not(status)))
        if stage.kind == "audit":
            check_audit(run)
    if not run.plan.of("deployer"):
        check_gates(run)


def _run_stage(run: Execution, stage: Stage, here: StageInfo) -> None:
    before = run.workspace.catalog.last_stage(stage.key, name=run.info.name)
    here = replace(here, why=explain(stage, before.parts if before else None))
    hooks = run.registry.plugins.manager.hook
    _tell(hooks.before_stage, run=run.info, stage=here)
    started = time.perf_counter()
    try:
        value = run.value(stage.key)
    except BaseException as error:
        here = replace(here, seconds=time.perf_counter() - started)
        if isinstance(error, Pruned):
            _told(run, stage, replace(here, status="pruned", summary=error.message))
            raise
        failed = replace(here, status="failed")
        if not isinstance(error, HooklineError):
            error.add_note(f"in stage '{stage.key}' ({stage.name}) of run {run.info.id}")
        _tell(hooks.on_stage_error, run=run.info, stage=failed, error=error)
        _record(run, stage, failed)
        raise
    done = replace(here, status="ran", seconds=time.perf_counter() - started, summary=stages.summarize(value))
    _told(run, stage, done)
    if isinstance(value, Report):
        for finding in value.findings:
            _tell(hooks.on_finding, run=run.info, finding=finding)


def _told(run: Execution, stage: Stage, here: StageInfo) -> None:
    _record(run, stage, here)
    _tell(run.registry.plugins.manager.hook.after_stage, run=run.info, stage=here)


def _record(run: Execution, stage: Stage, here: StageInfo) -> None:
    run.told[stage.key] = here
    run.workspace.catalog.record_stage(
        run.info.id,
        stage.key,
        stage.kind,
        stage.name,
        here.status,
        stage.fingerprint,
        stage.parts,
        here.seconds,
        here.why,
    )


def _finish(run: Execution, status: str, error: BaseException | None, started: float) -> None:
    text = None if error is None else f"{type(error).__name__}: {error}"
    metrics: dict[str, float] = {}
    try:
        _record_data(run)
        evidence = build_evidence(run, status, text, started)
        reports = [report for report in evidence["reports"] if report["kind"] == "evaluator"]
        # JSON has no word for a number that is not one, so it stands there as text.
        metrics = {metric["name"]: float(metric["value"]) for report in reports for metric in report["metrics"]}
        told = tuple(run.told.values())
        run.info = replace(run.info, status=status, stages=told, metrics=metrics, evidence=evidence, error=text)
        _leave_evidence(run, status)
    finally:
        run.workspace.catalog.end_run(run.info.id, status, metrics, text)
    _tell(run.registry.plugins.manager.hook.after_run, run=run.info)


def _record_data(run: Execution) -> None:
    """Record which version of the data the run saw, with the profile of its training rows once there is one."""
    if not at_hand(run, run.plan["split"]):
        return
    version = run.split_facts().version
    knowledge: Knowledge | None = run.value("knowledge") if at_hand(run, run.plan["knowledge"]) else None
    source = run.plan["source"]
    origin = {"component": source.name, **source.parts["fields"]}
    if version is not None:
        profile = None if knowledge is None else knowledge.profile
        record_version(run.workspace.catalog, version, origin, run.info.id, profile)


def _leave_evidence(run: Execution, status: str) -> None:
    """Write what is known of a run into its folder, the report included, and its packages."""
    folder, evidence = run.info.path, run.info.evidence
    _write_json(folder / "plan.json", evidence["plan"])
    _write_json(folder / "metrics.json", run.info.metrics)
    (folder / "evidence.json").write_text(json.dumps(evidence, default=str), "utf-8")
    _tell(run.registry.plugins.manager.hook.render_report, evidence=evidence, path=folder)
    if status in ("finished", "gated"):
        _file_packages(run)


def _file_packages(run: Execution) -> None:
    """Copy each package into the run's folder, and put the run's evidence inside it and inside the registered copy."""
    names = ("evidence.json", "report.html")
    evidence = {f"evidence/{name}": run.info.path / name for name in names if (run.info.path / name).is_file()}
    # A run that its audit stopped has none, and asking for one would train after all.
    for stage in [stage for stage in run.plan.of("packager") if stage.key in run.told]:
        package: Package = run.value(stage.key)
        copy = run.info.path / "packages" / stage.key.partition(".")[2]
        shutil.copytree(package.path, copy, ignore=shutil.ignore_patterns("entry.json"))
        add_files(copy, evidence)
    for stage in run.plan.of("deployer"):
        if stage.key in run.values:
            registered = run.workspace.catalog.model(run.info.name, deployed_version(run, stage))
            # Only the run that made the version speaks for it; what is registered does not change afterwards.
            if registered.run_id == run.info.id:
                add_files(Path(registered.path), evidence)


def check_audit(run: Execution) -> None:
    """Raise GateFailed where the split audit found something critical and the config says `audit: fail`."""
    if run.plan.config.options.audit != "fail":
        return
    report: Report = run.value("audit")
    critical = [finding for finding in report.findings if finding.severity == "critical"]
    if critical:
        told = " ".join(finding.message for finding in critical)
        names = ",".join(dict.fromkeys(finding.subject for finding in critical))
        hint = f"audit_allow=[{names}] lets pass what you have looked at; audit=warn tells it and goes on"
        raise GateFailed(f"the split audit said no: {told}", hint=hint)


def check_gates(run: Execution) -> None:
    """Raise GateFailed unless each gated metric reaches its value."""
    gates = run.plan.config.options.gates
    if not gates:
        return
    metrics = {m.name: m for stage in run.plan.of("evaluator") for m in run.value(stage.key).metrics}
    failures = []
    for name, bound in gates.items():
        if name not in metrics:
            told = suggestion(name, metrics, "metric")
            raise ConfigError("bad config", [Problem(f"gates.{name}", f"no evaluator measures this; {told}")])
        metric = metrics[name]
        if not (metric.value >= bound if metric.greater_is_better else metric.value <= bound):
            wanted = "at least" if metric.greater_is_better else "at most"
            failures.append(f"{name} is {metric.value:.4g}, and must be {wanted} {bound:g}")
    if failures:
        raise GateFailed("a gate said no: " + "; ".join(failures))


def _claim(folder: Path, run_id: str) -> None:
    # Exclusive create: of two runs that were given one folder, the second is told, rather than both writing there.
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "run.json").open("x", encoding="utf-8") as file:
            json.dump({"id": run_id}, file)
    except FileExistsError:
        raise StoreError(
            f"{folder} already belongs to another run",
            hint="give each run its own folder, or leave hydra.run.dir alone",
        ) from None
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}") from error


def _tell(hook: Any, **facts: Any) -> None:
    """Call a lifecycle hook of every plugin; one that fails is told of, and the others are called all the same."""
    for implementation in reversed(hook.get_hookimpls()):
        wanted = {name: facts[name] for name in implementation.argnames}
        try:
            implementation.function(**wanted)
        except Exception as error:  # noqa: BLE001  a lifecycle hook may raise anything, and must not take the run with it
            log.warning(
                "hook %s of plugin '%s' failed: %s: %s",
                hook.name,
                implementation.plugin_name,
                type(error).__name__,
                error,
            )


def _why_not(status: str) -> str:
    return "cached" if status == "cached" else "nothing that must run reads it"


def _plan_record(plan: Plan) -> list[Mapping[str, Any]]:
    return [{"key": s.key, "kind": s.kind, "component": s.name, "fingerprint": s.fingerprint} for s in plan.stages]


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, default=str), "utf-8")
