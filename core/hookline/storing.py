"""How the output of each kind of stage is written to the store, and read back."""

from __future__ import annotations

import importlib
import inspect
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from . import codec
from .artifacts import ROW_ID, Dataset, DataVersion, Package, Report, Split
from .certificate import CERTIFICATE, Certificate, as_parity, certify, plain_certificate, require_agreement
from .components import Model, Packager, Predictor, Trust
from .errors import StoreError
from .moves import keep_ledger
from .packages import PARITY_ROWS, check_takes, require_parity, seal, write_pipeline
from .pipeline import Pipeline
from .planning import Knowledge, Stage
from .running import CURVE, IMPORTANCES, Running, edges_of, pipeline_of
from .split import SplitFacts, prepare, read_split, write_rows
from .stages import dataset_moves, environment, fitted_moves, make
from .versions import version_of

if TYPE_CHECKING:
    import polars as pl


SPLIT = "split.json"
"""What is known of a split, beside its rows."""


def write(run: Running, stage: Stage, folder: Path) -> None:
    """Make a stage's output and write it into an empty folder."""
    if stage.kind == "split":
        _write_split(run, stage, folder)
    elif stage.kind == "cleaning":
        _write_ledger(run, folder)
    elif stage.kind == "packager":
        _write_package(run, stage, folder)
    else:
        value = make(run, stage)
        if stage.kind == "trainer":
            _write_model(value, folder)
            _write_curve(run, folder)
        codec.write(value, folder)


def read(run: Running, stage: Stage, folder: Path) -> Any:
    """Read a stage's output back."""
    if stage.kind == "split":
        return _read_split(run, folder)
    if stage.kind == "packager":
        return Package(folder, stage.name, run.info.name)
    if stage.kind == "trainer":
        return codec.read(_model_class(stage, folder), folder)
    return codec.read(tuple if stage.kind == "features" else stage.makes, folder)


def _write_split(run: Running, stage: Stage, folder: Path) -> None:
    options = run.plan.config.options
    dataset: Dataset = run.value(stage.inputs[0])
    rows = write_rows(dataset, folder)
    # Rows that no transform has touched are read from where they have just been written.
    loaded = rows if stage.inputs[0] == "source" else run.value("source").frame
    version = version_of(loaded, dataset.name, without=[ROW_ID])
    method, counts = prepare(dataset, options.split, options.seed, folder)
    facts = SplitFacts(dataset.name, method, counts, version)
    (folder / SPLIT).write_text(json.dumps(codec.to_json(facts)), "utf-8")


def _read_split(run: Running, folder: Path) -> Split:
    return read_split(folder, split_facts((folder / SPLIT).read_bytes()), run.plan.roles)


def split_facts(content: bytes) -> SplitFacts:
    """Return what the file SPLIT of a stored split says."""
    return codec.from_json(SplitFacts, json.loads(content))


def _write_ledger(run: Running, folder: Path) -> None:
    first = dataset_moves(run)
    source: Dataset | None = run.value(run.plan.of("source")[0].key) if first else None
    scratch = folder / "scratch"
    scratch.mkdir()
    ledger = keep_ledger(source, [*first, *fitted_moves(run)], run.value("split"), scratch)
    shutil.rmtree(scratch)
    codec.write(ledger, folder)


def _write_package(run: Running, stage: Stage, folder: Path) -> None:
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
    (folder / "profile.json").write_text(json.dumps(codec.to_json(knowledge.profile)), "utf-8")
    facts = {
        "name": run.info.name,
        "target": codec.to_json(pipeline.target),
        "model": type(pipeline.model).__name__,
        "trainer": {"component": run.plan.of("trainer")[0].name, "fields": run.plan.of("trainer")[0].parts["fields"]},
        "features": [codec.to_json(feature) for feature in pipeline.featurizer.fitted.features],
        "importances": dict(pipeline.model.importances()),
        "parity": codec.to_json(parity) | {"ok": parity.ok},
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
    return [codec.to_json(metric) for stage in run.plan.of("evaluator") for metric in run.value(stage.key).metrics]


def _write_monitor_files(run: Running, folder: Path) -> None:
    for stage in run.plan.of("monitor"):
        report: Report = run.value(stage.key)
        for name, content in report.files.items():
            path = folder / "monitors" / stage.key.partition(".")[2] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _write_model(model: Model, folder: Path) -> None:
    cls = type(model)
    (folder / "class.json").write_text(json.dumps([cls.__module__, cls.__qualname__]), "utf-8")
    (folder / IMPORTANCES).write_text(json.dumps(dict(model.importances())), "utf-8")


def _write_curve(run: Running, folder: Path) -> None:
    if run.curve.points:
        (folder / CURVE).write_text(json.dumps(run.curve.plain()), "utf-8")


def _model_class(stage: Stage, folder: Path) -> type[Model]:
    if not inspect.isabstract(stage.makes):
        return cast("type[Model]", stage.makes)
    # The trainer says only `Model`; the store is signed with this machine's key, so the name in it is our own word.
    module, name = json.loads((folder / "class.json").read_text("utf-8"))
    cls = getattr(importlib.import_module(module), name, None)
    if not (isinstance(cls, type) and issubclass(cls, Model)):
        raise StoreError(f"the stored model of stage '{stage.key}' is a {module}.{name}, which is no longer a Model")
    return cls
