"""A package: the pipeline in one format, with its certificate and its evidence."""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hookline.kinds.artifacts import DataVersion
from hookline.kinds.deployments import Package, Trust
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
from hookline.packages.manifest import ANSWERS, PROFILE, environment, seal
from hookline.packages.pipeline import Pipeline
from hookline.packages.state import StoredPackage, write_pipeline
from hookline.plans.plan import Knowledge, every
from hookline.quality.distributions import answers_of
from hookline.registry.ports import takers

from ..execution import Section, StageKind
from ..parts import edges_of, metrics_of, pipeline_of, scored_of
from .deployer import served_folder
from .judging import PIPELINE

if TYPE_CHECKING:
    import polars as pl

    from hookline.plans.plan import Stage

    from ..execution import Execution


def _write(run: Execution, stage: Stage, folder: Path) -> None:
    """Write a package with its certificate and its evidence; raises ExportError where it answers otherwise."""
    packager = cast("Packager", stage.component)
    pipeline = pipeline_of(run)
    check_takes(packager, pipeline.model)
    write_pipeline(pipeline, folder)
    packager.save(pipeline, folder)
    test = run.value("split").test.frame.head(PARITY_ROWS).collect()
    packaged = packager.load(StoredPackage(folder, run.registry), Trust(everything=True))
    certificate = _certify(run, packager, pipeline, packaged, test)
    (folder / CERTIFICATE).write_text(json.dumps(plain_certificate(certificate)), "utf-8")
    parity = as_parity(certificate)
    _write_reference(run, folder)
    facts = {
        "name": run.info.name,
        "target": to_json(pipeline.target),
        "model": type(pipeline.model).__name__,
        "trainer": {"component": run.plan.of("trainer")[0].name, "fields": run.plan.of("trainer")[0].parts["fields"]},
        "features": [to_json(feature) for feature in pipeline.made],
        "importances": dict(pipeline.model.importances()),
        "parity": to_json(parity) | {"ok": parity.ok},
        "metrics": [to_json(metric) for metric in metrics_of(run).found],
        "data": _data(run),
        "environment": environment(),
    }
    _write_monitor_files(run, folder)
    seal(folder, packager, facts)


def _write_reference(run: Execution, folder: Path) -> None:
    """Write what monitors will compare with: the training rows' distributions, and those of answers on held-out rows."""
    knowledge: Knowledge = run.value("knowledge")
    (folder / PROFILE).write_text(json.dumps(to_json(knowledge.profile)), "utf-8")
    (folder / ANSWERS).write_text(json.dumps(to_json(answers_of(scored_of(run)))), "utf-8")


def _certify(
    run: Execution, packager: Packager, pipeline: Pipeline[Any], packaged: Predictor, test: pl.DataFrame
) -> Certificate:
    certificate = certify(packager, pipeline, packaged, test, edges_of(run, pipeline))
    hint = _other_ways(run, packager, pipeline)
    require_parity(packager, as_parity(certificate), hint)
    require_agreement(certificate, f"packager '{packager.name}'", hint)
    return certificate


def _other_ways(run: Execution, packager: Packager, pipeline: Pipeline[Any]) -> str | None:
    """Return in which other packages the model itself is held, which answers as it does here."""
    made: Any = types.GenericAlias(Pipeline, (type(pipeline.model),))
    native = [cls for cls in run.registry.classes("packager") if getattr(cls, "native", False)]
    found = [name for name in takers(native, made) if name != packager.name]
    return f"choose {' or '.join(f'packager=[{name}]' for name in found)}" if found else None


def _data(run: Execution) -> dict[str, Any]:
    """Return which version of the data the model has seen."""
    version: DataVersion | None = run.value("split").version
    return {} if version is None else {"version": version.fingerprint, "name": version.name, "rows": version.rows}


def _write_monitor_files(run: Execution, folder: Path) -> None:
    for stage in run.plan.of("monitor"):
        report: Report = run.value(stage.key)
        for name, content in report.files.items():
            path = folder / "monitors" / stage.key.partition(".")[2] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _read(run: Execution, stage: Stage, folder: Path) -> Package:
    return Package(folder, stage.name, run.info.name)


def _summarize(package: Package) -> str:
    return f"{package.format}, {_bytes(package.path) / 1024:,.0f} KiB"


def _made(run: Execution) -> list[tuple[str, Package]]:
    """Return each package with the key of its packager, which names its folder."""
    return [(stage.key.partition(".")[2], run.value(stage.key)) for stage in run.plan.of("packager")]


def _parity(run: Execution) -> list[dict[str, Any]]:
    manifests = [(key, json.loads((package.path / "manifest.json").read_text("utf-8"))) for key, package in _made(run)]
    return [{"package": key, **manifest["parity"]} for key, manifest in manifests]


def _certificates(run: Execution) -> list[dict[str, Any]]:
    """Return the parity certificate of each package, and of what a client is answered."""
    made = [(key, package.path / CERTIFICATE) for key, package in _made(run)]
    for stage in run.plan.of("deployer"):
        folder = served_folder(run, stage) if _reached(run, stage) else None
        made += [] if folder is None else [(f"served by {stage.name}", folder / CERTIFICATE)]
    return [{"package": key, **json.loads(path.read_text("utf-8"))} for key, path in made]


def _reached(run: Execution, stage: Stage) -> bool:
    return stage.key in run.told and run.told[stage.key].status == "ran"


def _packages(run: Execution) -> list[dict[str, Any]]:
    return [
        {"format": package.format, "path": f"packages/{key}", "bytes": _bytes(package.path)}
        for key, package in _made(run)
    ]


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


STAGE = StageKind(
    kind="packager",
    module=__name__,
    # A package carries what was found out about its model, so other reports make another package.
    takes=every(*PIPELINE, "evaluator", "monitor"),
    makes=Package,
    parts=lambda meant: {"name": meant.config.name},
    write=_write,
    read=_read,
    summarize=_summarize,
    sections=(
        Section("parity", ("packager",), _parity),
        Section("certificates", ("packager",), _certificates),
        Section("packages", ("packager",), _packages),
    ),
    final=True,
)
