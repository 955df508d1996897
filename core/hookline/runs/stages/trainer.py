"""A model fitted to the design matrix, with its importances and its learning curve."""

from __future__ import annotations

import importlib
import inspect
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hookline.errors import Pruned, StoreError
from hookline.kinds.fitted import Model
from hookline.kinds.fitting import checkpoints_in, steps_in
from hookline.plans.plan import every

from .. import outputs
from ..execution import Section, StageKind

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ..execution import Execution


IMPORTANCES = "importances.json"
CURVE = "curve.json"


def importances_of(run: Execution) -> dict[str, float]:
    """Return feature name -> importance, without reading the model, whose library may take seconds to import."""
    trainer = run.plan.of("trainer")[0]
    folder = run.workspace.store.get(trainer.fingerprint)
    if folder is None:
        return dict(run.value(trainer.key).importances())
    found: dict[str, float] = json.loads((folder / IMPORTANCES).read_text("utf-8"))
    return found


def learning_of(run: Execution) -> dict[str, Any] | None:
    """Return the curve that the trainer reported, in this run or in the one that left its model in the store."""
    if run.curve.points:
        return run.curve.plain()
    folder = run.workspace.store.get(run.plan.of("trainer")[0].fingerprint)
    if folder is None or not (folder / CURVE).is_file():
        return None
    found: dict[str, Any] = json.loads((folder / CURVE).read_text("utf-8"))
    return found


def _fit(run: Execution, stage: Stage) -> Model:
    """Fit the model, with its curve and its checkpoints."""
    train, valid = run.value("features")
    folder = run.workspace.home / "checkpoints" / stage.fingerprint[:32]
    try:
        with checkpoints_in(folder), steps_in(run.curve):
            model: Model = stage.acts.fit(train, valid)
    except Pruned:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return model


def _write(run: Execution, stage: Stage, folder: Path) -> None:
    model = _fit(run, stage)
    cls = type(model)
    (folder / "class.json").write_text(json.dumps([cls.__module__, cls.__qualname__]), "utf-8")
    (folder / IMPORTANCES).write_text(
        json.dumps({name: float(weight) for name, weight in model.importances().items()}), "utf-8"
    )
    if run.curve.points:
        (folder / CURVE).write_text(json.dumps(run.curve.plain()), "utf-8")
    outputs.write(model, folder)


def _read(run: Execution, stage: Stage, folder: Path) -> Model:
    model: Model = outputs.read(_model_class(stage, folder), folder)
    return model


def _model_class(stage: Stage, folder: Path) -> type[Model]:
    """Return the class of a stored model; raises StoreError where it is none any more."""
    if not inspect.isabstract(stage.makes):
        return cast("type[Model]", stage.makes)
    # The trainer says only `Model`; the store is signed with this machine's key, so the name in it is our own word.
    module, name = json.loads((folder / "class.json").read_text("utf-8"))
    cls: Any = importlib.import_module(module)
    for part in name.split("."):
        cls = getattr(cls, part, None)
    if not (isinstance(cls, type) and issubclass(cls, Model)):
        raise StoreError(f"the stored model of stage '{stage.key}' is a {module}.{name}, which is no longer a Model")
    return cls


def _importances(run: Execution) -> list[list[Any]]:
    return [list(pair) for pair in sorted(importances_of(run).items(), key=lambda item: -abs(item[1]))]


def _learning(run: Execution) -> dict[str, Any] | None:
    """Tell the curve also of a fit that did not come to its end."""
    return learning_of(run) if any(stage.key in run.told for stage in run.plan.of("trainer")) else None


STAGE = StageKind(
    kind="trainer",
    module=__name__,
    takes=every("features"),
    make=_fit,
    write=_write,
    read=_read,
    sections=(Section("importances", ("trainer",), _importances), Section("learning", (), _learning)),
    final=True,
)
