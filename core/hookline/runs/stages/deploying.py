"""What a deployer's stage does: ask it as a client would, register the package, and record who answers."""

from __future__ import annotations

import filecmp
import hashlib
import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from hookline.kinds.capabilities import AnswersAsServed
from hookline.kinds.deployments import Deployment, Package, Trust
from hookline.packages.certificate.certificate import CERTIFICATE, plain_certificate, require_agreement
from hookline.packages.certificate.certifying import SERVED_ROWS, certify_served
from hookline.packages.manifest import MANIFEST, read_manifest
from hookline.plans.plan import Stage

from ..execution import Running, edges_of, importances_of, pipeline_of

log = logging.getLogger("hookline.runs.stages.deploying")


def deploy(run: Running, stage: Stage) -> Deployment:
    """Register a package that the deployer answers rightly for, and put its routing policy in force."""
    deployer: Any = stage.component
    catalog = run.workspace.catalog
    package: Package = run.value(stage.inputs[0])
    _check_served(run, stage, package)
    fingerprint = run.plan[stage.inputs[0]].fingerprint
    path = run.workspace.home / "models" / run.info.name / fingerprint[:16]
    _clear_damaged(path, package.path)
    if not path.exists():
        temporary = path.with_name(f".{path.name}.{run.info.id}")
        try:
            shutil.copytree(package.path, temporary, ignore=shutil.ignore_patterns("entry.json"))
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        try:
            temporary.rename(path)
        except OSError:
            # Another run of the same package was first; its copy is as good.
            shutil.rmtree(temporary)
            if not path.exists():
                raise
    metrics = {m.name: m.value for s in run.plan.of("evaluator") for m in run.value(s.key).metrics}
    version = catalog.register_model(run.info.name, run.info.id, str(path), package.format, metrics, fingerprint)
    _record_features(run)
    current = catalog.current_deployment(run.info.name)
    deployment: Deployment = deployer.deploy(replace(package, path=path, version=version), current)
    if deployment != current:
        catalog.record_deployment(deployment, f"run {run.info.id}")
    return deployment


def _clear_damaged(path: Path, package: Path) -> None:
    """Take a registered copy away where a file of its package is lost or changed, so that it is made again.

    Only the package's own files count: another run may be adding its evidence at this moment.
    """
    if not path.exists():
        return
    names = [MANIFEST, *read_manifest(package)["files"]]
    lost = [name for name in names if not (path / name).is_file()]
    _, changed, unread = filecmp.cmpfiles(package, path, names[1:], shallow=False)
    if lost or changed or unread:
        log.warning("the registered copy %s is made again: %s", path, ", ".join(lost or changed or unread))
        shutil.rmtree(path)


def deployed_version(run: Running, stage: Stage) -> int:
    """Return the model version that a deployer's stage put in charge."""
    deployment: Deployment = run.value(stage.key)
    return max(route.version for route in deployment.routes)


def served_folder(run: Running, stage: Stage) -> Path | None:
    """Return where the store keeps the certificate of a deployer's answers for the run's package, where it does."""
    folder: Path | None = run.workspace.store.get(_served_key(run, stage))
    return folder


def _served_key(run: Running, stage: Stage) -> str:
    # The package and the deployer's code decide, and not the model's name.
    parts = [run.plan[stage.inputs[0]].fingerprint, stage.parts["code"], stage.parts["versions"], stage.parts["fields"]]
    return hashlib.sha256(json.dumps(["served", *parts]).encode()).hexdigest()


def _check_served(run: Running, stage: Stage, package: Package) -> None:
    """Ask a deployer as a client would, once for each package; raises ExportError where it answers otherwise."""
    deployer: Any = stage.component
    if not isinstance(deployer, AnswersAsServed) or served_folder(run, stage) is not None:
        return
    packager: Any = run.plan[stage.inputs[0]].component
    packaged = packager.load(package.path, Trust(everything=True))
    held_out = run.value("split").test.frame.head(SERVED_ROWS).collect()
    edges = edges_of(run, pipeline_of(run))
    certificate = certify_served(deployer, stage.name, packaged, packager.tolerance, held_out, edges)
    require_agreement(certificate, f"deployer '{stage.name}'", "nothing was registered; see the rows above")
    plain = json.dumps(plain_certificate(certificate))
    note = {"stage": "served", "component": stage.name}
    store = run.workspace.store
    store.put(_served_key(run, stage), lambda path: _write_text(path / CERTIFICATE, plain), note=note)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def _record_features(run: Running) -> None:
    fitted = run.value(run.plan.of("featurizer")[0].key)
    run.workspace.catalog.record_features(run.info.id, fitted.features, importances_of(run))
