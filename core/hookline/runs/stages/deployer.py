"""A deployer's stage: asked as a client would, then the package is registered and the policy put in force."""

from __future__ import annotations

import filecmp
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError, PlanError, StoreError
from hookline.kinds.component import Component
from hookline.kinds.deployments import Deployed, Deployment, Package, Trust
from hookline.kinds.plain import plain, to_json
from hookline.kinds.serving.fleet import AnswersAsServed
from hookline.packages.certificate.certificate import CERTIFICATE, Certificate, plain_certificate, require_agreement
from hookline.packages.certificate.certifying import SERVED_ROWS, certify_served
from hookline.packages.door.files import MANIFEST
from hookline.packages.manifest import read_manifest
from hookline.packages.state import StoredPackage
from hookline.telling.secrets import logger

from ..edges import edges_of
from ..execution import Section, StageKind
from ..gates.checking import RESULTS
from ..gates.standing import Standing, stand
from ..parts import metrics_of, pipeline_of

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ..execution import Execution


log = logger("hookline.deployer")
TRIES = 8
"""So often another may be first to change the policy."""
MOST_OBJECTIONS = 3
"""So many are told; the report has them all."""


def _deploy(run: Execution, stage: Stage) -> Deployed:
    """Register a package that the deployer answers rightly for, and put its routing policy in force where it is accepted."""
    catalog, name = run.workspace.catalog, run.info.name
    package: Package = run.value(stage.inputs[0])
    check_served(run, stage, package)
    fingerprint = run.plan[stage.inputs[0]].fingerprint
    metrics = metrics_of(run).numbers()
    with run.workspace.package_place(name, fingerprint) as path:
        _copy(package.path, path, run.info.id)
        version = catalog.models.register(name, run.info.id, str(path), package.format, metrics, fingerprint)
    # Of two runs that end at once, the second is to be held against what the first put in charge.
    with run.workspace.deciding(name):
        for _ in range(TRIES):
            current = catalog.deployments.current(name)
            champion = None if current is None else catalog.models.get(name, current.version)
            known = champion is not None and champion.version == version
            standing = Standing() if known else stand(run, champion)
            found = replace(package, objections=standing.objections, unfit=standing.unfit)
            registered = replace(found, path=path, version=version)
            if not stage.acts.accepts(registered):
                return _only_registered(registered, current)
            done = _in_force(run, stage, registered, current, standing)
            if done is not None:
                return done
    raise StoreError(f"the policy of '{name}' changes all the time", hint=f"hookline models log {name}")


def _in_force(
    run: Execution, stage: Stage, package: Package, current: Deployment | None, standing: Standing
) -> Deployed | None:
    """Put the policy in force that the deployer says; None where a person or a controller was first, so that another is."""
    assert package.version is not None
    decided: Deployment = stage.acts.deploy(package, current)
    deployment = replace(decided, fields=plain(stage.acts))
    told = ", ".join(f"{alias} -> {package.name} v{version}" for alias, version in deployment.aliases.items())
    gates = "; ".join(f"gate {result.said}: {result.told}" for result in run.values.get(RESULTS, ()))
    why = f"although {_in_short(standing.objections)}" if standing.objections else standing.merit
    if not deployment.is_same_policy(current):
        reasons = "; ".join(filter(None, (why, gates)))
        reason = f"run {run.info.id}{': ' if reasons else ''}{reasons}"
        # A policy that is not yet in force has no number, as is the case of none at all.
        if not run.workspace.catalog.deployments.follow(deployment, reason, current or deployment):
            return None
    return Deployed(package.name, package.version, deployment, accepted=True, told=f"{told}: {why}" if why else told)


def _only_registered(package: Package, current: Deployment | None) -> Deployed:
    assert package.version is not None
    stays = "no version is in charge yet" if current is None else f"v{current.version} stays in charge"
    why = _in_short(package.objections) or "the deployer does not accept it"
    line = f"hookline models promote {package.name}:{package.version}"
    told = f"{package.name} v{package.version} is registered, and {stays}: {why}. To put it in charge: {line}"
    return Deployed(package.name, package.version, current, accepted=False, told=told)


def _in_short(objections: Sequence[str]) -> str:
    more = len(objections) - MOST_OBJECTIONS
    return "; ".join([*objections[:MOST_OBJECTIONS], *([f"and {more} more"] if more > 0 else [])])


def _copy(package: Path, path: Path, run_id: str) -> None:
    """Copy a package to where its model is kept, where no whole copy of it is there; who registers it holds its place."""
    if path.exists() and not _is_damaged(path, package):
        return
    temporary, old = (path.with_name(f".{path.name}.{run_id}{ending}") for ending in ("", ".old"))
    try:
        shutil.copytree(package, temporary, ignore=shutil.ignore_patterns("entry.json"))
        # Whole before the damaged one goes, which may be all that is there of a version.
        if path.exists():
            path.rename(old)
        temporary.rename(path)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _is_damaged(path: Path, package: Path) -> bool:
    """Tell whether a file of its package is lost or changed in a registered copy, which is then to be made again.

    Only the package's own files count: another run may be adding its evidence at this moment.
    """
    names = [MANIFEST, *read_manifest(package)["files"]]
    unsealed = _is_unsealed(path)
    lost = [name for name in names if not (path / name).is_file()]
    _, changed, unread = filecmp.cmpfiles(package, path, names[1:], shallow=False)
    if lost or changed or unread or unsealed:
        log.warning(
            "the registered copy %s is made again: %s", path, ", ".join(lost or changed or unread or [MANIFEST])
        )
        return True
    return False


def _is_unsealed(path: Path) -> bool:
    try:
        read_manifest(path)
    except (StoreError, DataError):
        return True
    return False


def _takes(done: Mapping[str, tuple[str, ...]], component: Component | None) -> tuple[str, ...]:
    if not done.get("packager"):
        named = component.name if component else ""
        raise PlanError(f"deployer '{named}' has nothing to deploy", hint="choose a packager, or deployer=null")
    return done["packager"][:1]


def _summarize(deployed: Deployed) -> str:
    # Why a version is not in charge is said at the end of the run, where it is not lost among the stages.
    return deployed.told if deployed.accepted else deployed.told.partition(": ")[0]


def _section(run: Execution) -> Any:
    deployed: Deployed = run.value(run.plan.of("deployer")[0].key)
    return to_json(deployed)


STAGE = StageKind(
    kind="deployer",
    module=__name__,
    takes=_takes,
    makes=Deployed,
    parts=lambda meant: {"model": meant.config.name},
    make=_deploy,
    summarize=_summarize,
    sections=(Section("deployment", ("deployer",), _section),),
    persisted=False,
    final=True,
)
"""A deployment is never skipped."""


def served_folder(run: Execution, stage: Stage) -> Path | None:
    """Return where the store keeps the certificate of a deployer's answers for the run's package, where it does."""
    folder: Path | None = run.workspace.store.get(_served_key(run, stage))
    return folder


def _served_key(run: Execution, stage: Stage) -> str:
    # The package and the deployer's code decide, and not the model's name.
    parts = [run.plan[stage.inputs[0]].fingerprint, stage.parts["code"], stage.parts["versions"], stage.parts["fields"]]
    return hashlib.sha256(json.dumps(["served", *parts]).encode()).hexdigest()


def check_served(run: Execution, stage: Stage, package: Package) -> None:
    """Ask a deployer as a client would, once for each package; raises ExportError where it answers otherwise."""
    if not isinstance(stage.acts, AnswersAsServed) or served_folder(run, stage) is not None:
        return
    beside: Certificate | None = run.second.take("served", stage.key)
    certificate = ask_as_client(run, stage, package.path) if beside is None else beside
    require_agreement(certificate, f"deployer '{stage.name}'", "nothing was registered; see the rows above")
    plain = json.dumps(plain_certificate(certificate))
    note = {"stage": "served", "component": stage.name, "of": run.plan[stage.inputs[0]].fingerprint}
    store = run.workspace.store
    store.put(_served_key(run, stage), lambda path: _write_text(path / CERTIFICATE, plain), note=note)


def ask_as_client(run: Execution, stage: Stage, package: Path) -> Certificate:
    """Return how the deployer's answers agree with those of a package, which need not be sealed yet."""
    packager: Any = run.plan[stage.inputs[0]].component
    packaged = packager.load(StoredPackage(package, run.registry), Trust(everything=True))
    held_out = run.value("split").test.frame.head(SERVED_ROWS).collect()
    edges = edges_of(run, pipeline_of(run))
    return certify_served(stage.acts, stage.name, packaged, packager.tolerance, held_out, edges)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
