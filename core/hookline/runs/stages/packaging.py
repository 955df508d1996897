"""A packager's stage: the package, its certificate and its evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hookline.kinds.artifacts import DataVersion
from hookline.kinds.deployments import Trust
from hookline.kinds.fitted import Predictor
from hookline.kinds.kinds import Packager
from hookline.kinds.plain import to_json
from hookline.kinds.reports import Report
from hookline.packages.certificate.certificate import (
    CERTIFICATE,
    Certificate,
    as_parity,
    plain_certificate,
    require_agreement,
)
from hookline.packages.certificate.certifying import certify
from hookline.packages.certificate.parity import PARITY_ROWS, check_takes, require_parity
from hookline.packages.manifest import environment, seal
from hookline.packages.pipeline import Pipeline
from hookline.packages.state import write_pipeline
from hookline.plans.plan import Knowledge, Stage

from ..execution import Running, edges_of, pipeline_of

if TYPE_CHECKING:
    import polars as pl


def write_package(run: Running, stage: Stage, folder: Path) -> None:
    """Write a package with its certificate and its evidence; raises ExportError where it answers otherwise."""
    packager = cast("Packager", stage.component)
    pipeline = pipeline_of(run)
    check_takes(packager, pipeline.model)
    write_pipeline(pipeline, folder)
    packager.save(pipeline, folder)
    test = run.value("split").test.frame.head(PARITY_ROWS).collect()
    packaged = packager.load(folder, Trust(everything=True))
    certificate = _certify(run, packager, pipeline, packaged, test)
    (folder / CERTIFICATE).write_text(json.dumps(plain_certificate(certificate)), "utf-8")
    parity = as_parity(certificate)
    knowledge: Knowledge = run.value("knowledge")
    (folder / "profile.json").write_text(json.dumps(to_json(knowledge.profile)), "utf-8")
    facts = {
        "name": run.info.name,
        "target": to_json(pipeline.target),
        "model": type(pipeline.model).__name__,
        "trainer": {"component": run.plan.of("trainer")[0].name, "fields": run.plan.of("trainer")[0].parts["fields"]},
        "features": [to_json(feature) for feature in pipeline.featurizer.fitted.features],
        "importances": dict(pipeline.model.importances()),
        "parity": to_json(parity) | {"ok": parity.ok},
        "metrics": _metrics(run),
        "data": _data(run),
        "environment": environment(),
    }
    _write_monitor_files(run, folder)
    seal(folder, packager, facts)


def _certify(
    run: Running, packager: Packager, pipeline: Pipeline[Any], packaged: Predictor, test: pl.DataFrame
) -> Certificate:
    certificate = certify(packager, pipeline, packaged, test, edges_of(run, pipeline))
    require_parity(packager, as_parity(certificate))
    subject = f"packager '{packager.name}'"
    require_agreement(certificate, subject, "choose another packager, such as skops")
    return certificate


def _data(run: Running) -> dict[str, Any]:
    """Return which version of the data the model has seen."""
    version: DataVersion | None = run.value("split").version
    return {} if version is None else {"version": version.fingerprint, "name": version.name, "rows": version.rows}


def _metrics(run: Running) -> list[Any]:
    return [to_json(metric) for stage in run.plan.of("evaluator") for metric in run.value(stage.key).metrics]


def _write_monitor_files(run: Running, folder: Path) -> None:
    for stage in run.plan.of("monitor"):
        report: Report = run.value(stage.key)
        for name, content in report.files.items():
            path = folder / "monitors" / stage.key.partition(".")[2] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
