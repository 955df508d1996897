"""A package: the pipeline in one format, with its certificate and its evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hookline.kinds.artifacts import DataVersion
from hookline.kinds.capabilities import Explains
from hookline.kinds.deployments import Package
from hookline.kinds.kinds import Packager
from hookline.kinds.plain import to_json
from hookline.kinds.reports import Report
from hookline.kinds.streams.capabilities import ReadsSpan
from hookline.kinds.streams.places import place_of
from hookline.packages.certificate.certificate import CERTIFICATE
from hookline.packages.manifest import ANSWERS, PROFILE, environment, seal
from hookline.packages.reading import reading_of
from hookline.packages.writing import facts_of, write_certified
from hookline.plans.plan import Knowledge, every
from hookline.quality.distributions import answers_of

from ..edges import edges_of
from ..execution import Section, StageKind
from ..parts import metrics_of, pipeline_of, scored_of
from .deployer import served_folder
from .judging import PIPELINE

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ..execution import Execution


def _write(run: Execution, stage: Stage, folder: Path) -> None:
    """Write a package with its certificate and its evidence; raises ExportError where it answers otherwise."""
    trainer = run.plan.of("trainer")[0]
    beside = run.second.package(stage, folder)
    said = write_model(run, stage, folder) if beside is None else beside
    _write_reference(run, folder)
    facts = {
        "name": run.info.name,
        "monitors": {_key(stage): stage.name for stage in run.plan.of("monitor")},
        "monitor_fields": {_key(stage): stage.parts["fields"] for stage in run.plan.of("monitor")},
        "explainers": _explainers(run),
        "trainer": {"component": trainer.name, "fields": trainer.parts["fields"]},
        **said,
        "metrics": [to_json(metric) for metric in metrics_of(run).found],
        "data": _data(run),
        "reading": reading_of(run.plan["source"].component).plain,
        "environment": environment(),
    }
    _write_report_files(run, folder)
    seal(folder, cast("Packager", stage.component), facts)


def write_model(run: Execution, stage: Stage, folder: Path) -> dict[str, Any]:
    """Write the pipeline in the packager's format, proven to answer alike; returns what the manifest says of it.

    Raises ExportError where it answers otherwise.
    """
    pipeline, rows = pipeline_of(run), run.value("split").test.frame
    packager, golden = cast("Packager", stage.component), run.plan.config.options.golden
    edges = edges_of(run, pipeline)
    certificate = write_certified(run.registry, packager, pipeline, folder, rows, edges, golden)
    return facts_of(packager, pipeline, folder, certificate)


def _explainers(run: Execution) -> list[dict[str, Any]]:
    """Return the evaluators that explain answers, in the order of the config: whoever is asked of the package asks the first."""
    return [
        {"key": _key(stage), "component": stage.name, "fields": stage.parts["fields"]}
        for stage in run.plan.of("evaluator")
        if isinstance(stage.acts, Explains)
    ]


def _write_reference(run: Execution, folder: Path) -> None:
    """Write what monitors will compare with: the training rows' distributions, and those of answers on held-out rows."""
    knowledge: Knowledge = run.value("knowledge")
    (folder / PROFILE).write_text(json.dumps(to_json(knowledge.profile)), "utf-8")
    (folder / ANSWERS).write_text(json.dumps(to_json(answers_of(scored_of(run).weighing()))), "utf-8")


def _data(run: Execution) -> dict[str, Any]:
    """Return which version of the data the model has seen."""
    version: DataVersion | None = run.value("split").version
    if version is None:
        return {}
    source: Any = run.plan["source"].component
    found = {"version": version.fingerprint, "name": version.name, "rows": version.rows}
    place = place_of(source)
    return found | {"upto": source.span()[1], "place": place} if isinstance(source, ReadsSpan) else found


def _write_report_files(run: Execution, folder: Path) -> None:
    """Write the files of reports, such as what a monitor compares with and rows that an evaluator was told to keep."""
    for stage in (*run.plan.of("evaluator"), *run.plan.of("monitor")):
        report: Report = run.value(stage.key)
        for name, content in report.files.items():
            path = folder / f"{stage.key.partition('.')[0]}s" / _key(stage) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _read(run: Execution, stage: Stage, folder: Path) -> Package:
    return Package(folder, stage.name, run.info.name)


def _summarize(package: Package) -> str:
    return f"{package.format}, {_bytes(package.path) / 1024:,.0f} KiB"


def _made(run: Execution) -> list[tuple[str, Package]]:
    """Return each package with the key of its packager, which names its folder."""
    return [(_key(stage), run.value(stage.key)) for stage in run.plan.of("packager")]


def _key(stage: Stage) -> str:
    """Return the key of a stage in the config, which names its folder."""
    return stage.key.partition(".")[2]


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
    parts=lambda meant: {"name": meant.config.name, "golden": meant.config.options.golden},
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
