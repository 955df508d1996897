"""The proof that a deployer answers a client as the package does."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.kinds.capabilities import AnswersAsServed
from hookline.kinds.deployments import Package, Trust
from hookline.packages.certificate.certificate import CERTIFICATE, plain_certificate, require_agreement
from hookline.packages.certificate.certifying import SERVED_ROWS, certify_served
from hookline.packages.state import StoredPackage

from ..parts import edges_of, pipeline_of

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ..execution import Execution


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
    deployer: Any = stage.component
    if not isinstance(deployer, AnswersAsServed) or served_folder(run, stage) is not None:
        return
    packager: Any = run.plan[stage.inputs[0]].component
    packaged = packager.load(StoredPackage(package.path, run.registry), Trust(everything=True))
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
