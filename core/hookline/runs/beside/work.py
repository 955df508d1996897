"""What the process beside a run does: it imports what the run may need, then takes the run over where it is asked to."""

from __future__ import annotations

import gc
import json
import os
import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from hookline.kinds.capabilities import WorksBeside
from hookline.plans.keywords import DEFAULTS
from hookline.registry.backends.quiet import SWITCHES, import_quietly
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.workspace import Workspace

from ..execution import Execution, kind_of
from ..parts import pipeline_of
from ..stages.deployer import ask_as_client
from ..stages.packager import write_model
from .frames import send

if TYPE_CHECKING:
    from queue import SimpleQueue

    from hookline.plans.plan import Stage

    from .handing import Handed


def work(asked: SimpleQueue[bytes], answers: IO[bytes], words: Sequence[str], silent: Callable[[], bool]) -> None:
    """Do what a run asks, in order, and answer; ends with the first thing that cannot be done, or not without a word.

    asked: the messages: the run, then its tasks; words: the overrides of the run
    silent: tells whether nothing was said so far
    """
    registry = load_registry()
    _import(_guessed(registry, words), asked)
    handed: Handed = pickle.loads(asked.get())
    os.environ.update(handed.environ)
    registry.plugins.require(handed.plugins)
    _import([type(stage.component) for stage in handed.plan.stages if stage.component], asked)
    # What is imported by now stays, and looking through it for garbage would hold the run up.
    gc.freeze()
    gc.enable()
    workspace = Workspace(handed.home, _NO_CATALOG)
    run = Taken(handed.plan, workspace, registry, handed.info, scratch=handed.scratch / "beside")
    for what, key in json.loads(asked.get()):
        answer = DOES[what](run, run.plan[key], silent)
        if not silent():
            return
        send(answers, pickle.dumps(((what, key), answer), protocol=pickle.HIGHEST_PROTOCOL))


OWN = ("polars", "pydantic.type_adapter", "packaging.requirements")
"""What the work itself needs, and imports where it is needed, which here would keep the run waiting."""
_NO_CATALOG: Any = None
"""Nothing that is done here is told to the catalog, which takes long to import."""


class Taken(Execution):
    """A run of another process: what that one made is read from the store, and nothing else is made."""

    def value(self, key: str) -> Any:
        """Return a stage's output; raises LookupError where it is not in the store."""
        if not self.plan[key].persisted:
            raise LookupError(f"stage '{key}' is made in the run's own process")
        return super().value(key)

    def _stored(self, stage: Stage) -> Any:
        folder = self.workspace.store.get(stage.fingerprint)
        if folder is None:
            raise LookupError(f"stage '{stage.key}' is not made yet")
        return kind_of(stage).read_back(self, stage, folder)


def _fit(run: Taken, stage: Stage, silent: Callable[[], bool]) -> bool:
    """Fit a model and keep it, unless something is said meanwhile, which the run's own process would show."""

    def write(folder: Path) -> None:
        kind_of(stage).written(run, stage, folder)
        if not silent():
            raise RuntimeError("a fit that says something is done where it is seen")

    store = run.workspace.store
    with store.lock(stage.fingerprint):
        if store.get(stage.fingerprint) is None:
            store.put(stage.fingerprint, write, note={"stage": stage.key, "component": stage.name})
    # One that cannot be read back is told at its stage.
    run.value(stage.key)
    return True


def _answer(run: Taken, stage: Stage, silent: Callable[[], bool]) -> Any:
    # What the rules make of it, which the run chooses meanwhile, it sees to itself.
    return pipeline_of(run, ruled=False).undecided(run.value("split").test.frame.collect())


def _package(run: Taken, stage: Stage, silent: Callable[[], bool]) -> tuple[Path, dict[str, Any]]:
    folder = _folder_of(run, stage.key)
    folder.mkdir(parents=True)
    return folder, write_model(run, stage, folder)


def _served(run: Taken, stage: Stage, silent: Callable[[], bool]) -> Any:
    return ask_as_client(run, stage, _folder_of(run, stage.inputs[0]))


DOES: dict[str, Callable[[Taken, Stage, Callable[[], bool]], Any]] = {
    "fit": _fit,
    "answer": _answer,
    "package": _package,
    "served": _served,
}


def _folder_of(run: Taken, key: str) -> Path:
    assert run.scratch is not None
    return run.scratch / key


def _guessed(registry: Registry, words: Sequence[str]) -> list[type]:
    """Return the components that overrides name, or else the usual ones."""
    # As in the root of the config; a wrong guess imports in vain, and nothing else hangs on it.
    chosen = {"trainer": [DEFAULTS["trainer"]], "packager": ["onnx"], "deployer": ["local"]}
    for word in words:
        kind, _, names = word.partition("=")
        if kind in chosen:
            chosen[kind] = [name.strip() for name in names.strip("[]").split(",")]
    known = {(kind, cls.name): cls for kind in chosen for cls in registry.classes(kind)}
    return [known[kind, name] for kind, names in chosen.items() for name in names if (kind, name) in known]


def _import(classes: Sequence[type], asked: SimpleQueue[bytes]) -> None:
    """Import what components need, until the run asks for something; what is missing is told by the run."""
    modules = [name for cls in classes if issubclass(cls, WorksBeside) for name in cls.imports_beside()]
    for name in [*modules, *OWN]:
        if not asked.empty():
            return
        with suppress(ImportError):
            import_quietly(name) if name in SWITCHES else import_module(name)
