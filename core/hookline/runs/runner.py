"""A plan carried out: what the store lacks is run, and every step is told to hooks and catalog."""

from __future__ import annotations

import json
import shutil
import sys
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import ConfigError, GateFailed, HooklineError, Pruned, StoreError, interruption
from hookline.kinds.deployments import Package
from hookline.kinds.hooks import RunInfo, StageInfo
from hookline.kinds.reports import Report
from hookline.packages.door.authors import check_signing_key
from hookline.packages.door.sealing import is_signed
from hookline.packages.manifest import add_files, read_manifest
from hookline.packages.settling import add_evidence, evidence_files, settle, settle_runs
from hookline.plans.chain import check_gates_are_measured
from hookline.plans.explain import explain
from hookline.plans.plan import Plan, Stage
from hookline.registry.nested import nested_components
from hookline.registry.registry import Registry
from hookline.registry.remedies import add_remedies
from hookline.telling.secrets import logger, redacted
from hookline.workspace.disk import FULL
from hookline.workspace.files import write_whole
from hookline.workspace.home import cache_in, claim, new_run_id, run_id_of
from hookline.workspace.home import home as default_home
from hookline.workspace.processes.forks import require_own_threads
from hookline.workspace.processes.interrupts import interruptible_in
from hookline.workspace.workspace import Workspace, open_workspace

from .evidence import build_evidence, record_data
from .execution import Alone, Beside, Execution, kind_of
from .gates.checking import check_audit, check_gates
from .parts import pipeline_of
from .past.keeping import keep_rows
from .result import Run, metrics_in
from .sequence import plan_run

if TYPE_CHECKING:
    from hookline.plans.config import RunConfig


log = logger("hookline.runs")


def execute(
    plan: Plan, registry: Registry, workspace: Workspace, run_id: str, folder: Path, second: Beside | None = None
) -> Execution:
    """Run a plan in its own folder; returns the execution with its values.

    second: a process beside the run, which ends with its stages

    Raises what a stage raised (its own exception, with a note that names the stage), and GateFailed where a gate said no.
    """
    claim(folder, run_id)
    info = RunInfo(run_id, plan.config.name, folder, plan.config.plain(), plan.config.settings, home=workspace.home)
    placed = [stage.component for stage in plan.stages if stage.component]
    known = registry.knowing(type(one) for component in placed for one in (component, *nested_components(component)))
    run = Execution(plan, workspace, known, info, second=second or Alone())
    _write_json(folder / "config.json", info.config)
    settle_runs(workspace)
    with interruptible_in(_run_stages, _keep, _tell_end), workspace.catalog.leases.held() as owner:
        stages = [
            {"key": s.key, "kind": s.kind, "component": s.name, "fingerprint": s.fingerprint} for s in plan.stages
        ]
        workspace.catalog.runs.begin(run_id, info.name, str(folder), info.config, stages, owner)
        _carry_out(run)
    return run


def _carry_out(run: Execution) -> None:
    started, outside = time.time(), sys.exception()
    status = "failed"
    error: BaseException | None = None
    try:
        _run_stages(run)
        status = "finished"
    except GateFailed as failed:
        status, error = "gated", failed
        raise
    except Pruned as stopped:
        status, error = "pruned", stopped
        raise
    except BaseException as failed:
        if interruption(failed, outside):
            status = "interrupted"
        else:
            error = failed
        raise
    finally:
        _finish(run, status, error, started, outside)


def _run_stages(run: Execution) -> None:
    run.registry.tell("before_run", run=run.info)
    with run.scratch_folder(), closing(run.second):
        _run_each(run)


def _run_each(run: Execution) -> None:
    decided = run.plan.needed(stage.key for stage in run.plan.stages if run.is_stored(stage))
    run.second.hand_over(run, decided)
    for index, stage in enumerate(run.plan.stages, 1):
        if stage.kind == "deployer":
            check_gates(run)
        here = StageInfo(stage.key, stage.name, index, len(run.plan.stages))
        if decided[stage.key] == "run":
            _run_stage(run, stage, here)
        else:
            status = decided[stage.key]
            why = "cached" if status == "cached" else "nothing that must run reads it"
            _told(run, stage, replace(here, status=status, why=why))
        run.second.after(run, stage)
        if stage.kind == "target" and run.plan.config.options.gates:
            check_gates_are_measured(run.plan.config, {run.value("target").task})
        if stage.kind == "audit":
            check_audit(run)
    if not run.plan.of("deployer"):
        check_gates(run)


def _run_stage(run: Execution, stage: Stage, here: StageInfo) -> None:
    before = run.workspace.catalog.runs.last_stage(stage.key, run.info.name)
    here = replace(here, why=explain(stage, before.parts if before else None))
    run.registry.tell("before_stage", run=run.info, stage=here)
    started = time.perf_counter()
    try:
        value = _value(run, stage)
    except BaseException as error:
        here = replace(here, seconds=time.perf_counter() - started)
        if isinstance(error, Pruned):
            _told(run, stage, replace(here, status="pruned", summary=error.message))
            raise
        failed = replace(here, status="failed")
        if isinstance(error, HooklineError):
            add_remedies(error, run.registry.remedies, run.info.config)
        else:
            error.add_note(f"in stage '{stage.key}' ({stage.name}) of run {run.info.id}")
        run.registry.tell("on_stage_error", run=run.info, stage=failed, error=error)
        _record(run, stage, failed)
        raise
    done = replace(here, status="ran", seconds=time.perf_counter() - started, summary=kind_of(stage).summarize(value))
    _told(run, stage, done)
    for finding in value.findings if isinstance(value, Report) else run.findings(stage):
        run.registry.tell("on_finding", finding=finding, run=run.info, model=None)


def _value(run: Execution, stage: Stage) -> Any:
    """Return a stage's output; what a component says of its own fields is told at the key where it stands.

    None for a model that was fitted beside the run: it is in the store, for whoever asks.
    """
    if run.second.fit(run, stage):
        return None
    try:
        return run.value(stage.key)
    except ConfigError as error:
        raise error.placed(f"{stage.kind}.{stage.name}", stage.key).with_traceback(error.__traceback__) from None


def _told(run: Execution, stage: Stage, here: StageInfo) -> None:
    _record(run, stage, here)
    run.registry.tell("after_stage", run=run.info, stage=here)


def _record(run: Execution, stage: Stage, here: StageInfo) -> None:
    run.told[stage.key] = here
    run.workspace.catalog.runs.record_stage(
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


def _finish(
    run: Execution, status: str, error: BaseException | None, started: float, outside: BaseException | None
) -> None:
    text = None if error is None else redacted(f"{type(error).__name__}: {error}")
    try:
        _keep(run, status, text, started)
    except BaseException as lost:
        # What nobody can read about afterwards has not finished.
        if status == "finished":
            status = "interrupted" if interruption(lost, outside) else "failed"
            text = redacted(f"its evidence could not be kept: {type(lost).__name__}: {lost}")
        raise
    finally:
        run.workspace.catalog.runs.end(run.info.id, status, run.info.metrics, text)
    _tell_end(run)


def _keep(run: Execution, status: str, error: str | None, started: float) -> None:
    """Keep what there is to say of a run."""
    record_data(run)
    if run.plan.config.options.keep_data and status != "failed" and run.is_at_hand(run.plan["split"]):
        keep_rows(run)
    evidence = build_evidence(run, status, error, started)
    told, metrics = tuple(run.told.values()), metrics_in(evidence)
    run.info = replace(run.info, status=status, stages=told, metrics=metrics, evidence=evidence, error=error)
    _leave_evidence(run, status)


def _tell_end(run: Execution) -> None:
    run.registry.tell("after_run", run=run.info)


def _leave_evidence(run: Execution, status: str) -> None:
    """Write what is known of a run into its folder, the report included, and its packages."""
    folder, evidence = run.info.path, run.info.evidence
    try:
        _write_json(folder / "plan.json", evidence["plan"])
        _write_json(folder / "metrics.json", run.info.metrics)
        write_whole(folder / "evidence.json", json.dumps(evidence, default=str))
    except OSError as error:
        if error.errno in FULL:
            raise
        raise StoreError(
            f"the evidence of run {run.info.id} cannot be written: {error.filename}: {error.strerror}",
            hint="see to the rights of its folder and run it again; what it computed is kept",
        ) from error
    _write_report(run)
    if status in ("finished", "gated"):
        _file_packages(run)


def _file_packages(run: Execution) -> None:
    """Copy each package into the run's folder, and put the run's evidence inside it and inside the registered copy."""
    evidence = evidence_files(run.info.path)
    # A run that its audit stopped has none, and asking for one would train after all.
    for stage in [stage for stage in run.plan.of("packager") if stage.key in run.told]:
        package: Package = run.value(stage.key)
        copy = run.info.path / "packages" / stage.key.partition(".")[2]
        shutil.copytree(package.path, copy, ignore=shutil.ignore_patterns("entry.json"))
        add_files(copy, evidence)
    for stage in run.plan.of("deployer"):
        if stage.key in run.values:
            registered = run.workspace.catalog.models.get(run.info.name, run.value(stage.key).version)
            folder = Path(registered.path)
            # Only the run that made the version speaks for it, unless it was killed before it could.
            silent = registered.run_id == run.info.id or settle(run.workspace, registered)
            if silent and is_signed(read_manifest(folder)):
                add_evidence(run.workspace, folder, evidence)


def _write_report(run: Execution) -> None:
    """Have report.html written where a plugin does that; one that fails is told of."""
    try:
        run.registry.render("report", run.info.evidence, run.info.path / "report.html")
    except Exception as error:  # noqa: BLE001  a plugin's page may raise anything, and must not take the run with it
        plugin = run.registry.pages["report"].plugin.name
        log.warning("page 'report' of plugin '%s' failed: %s: %s", plugin, type(error).__name__, error)


def _write_json(path: Path, value: Any) -> None:
    write_whole(path, json.dumps(value, indent=1, default=str))


def run_config(
    registry: Registry,
    config: RunConfig,
    *,
    home: str | Path | None = None,
    folder: Path | None = None,
    second: Beside | None = None,
) -> Run:
    """Plan and execute a resolved config in a folder of its own."""
    require_own_threads()
    check_signing_key()
    with cache_in((Path(home).absolute() if home else default_home()) / "cache"):
        planned = plan_run(registry, config)
    workspace = open_workspace(home)
    workspace.require_writable()
    run_id = _unused(workspace, run_id_of(folder)) if folder else new_run_id()
    done = execute(planned, registry, workspace, run_id, folder or workspace.home / "runs" / run_id, second)
    return Run(run_id, done.info.path, done.info.evidence, partial(pipeline_of, done), done)


def _unused(workspace: Workspace, run_id: str) -> str:
    """Return an id that no run has: a folder may be called as one that is gone, or lies elsewhere."""
    known = workspace.catalog.runs
    return next(name for name in chain([run_id], (f"{run_id}-{number}" for number in count(2))) if not known.has(name))
